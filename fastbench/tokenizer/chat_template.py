"""The chat template of a model: messages → text, and the tokens of a prompt."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fastbench.config.services import tokenizer_file
from fastbench.errors import ConfigError
from fastbench.installing import install
from fastbench.tokenizer.tokenizer import Message, Prompt, Tokenizer, load_tokenizer, prompt_text

if TYPE_CHECKING:
    import jinja2


_FILE, _CONFIG, _PROCESSOR = "chat_template.jinja", "tokenizer_config.json", "chat_template.json"
_FOLDER = "chat_templates"
_DEFAULT, _WITH_TOOLS = "default", "tool_use"
# Parameters of a request that services pass to the template.
_OF_REQUEST = ("add_generation_prompt", "reasoning_effort")
# The names under which services pass a message's reasoning; templates read the first or the second.
_REASONING = ("reasoning_content", "thinking", "reasoning")


class ChatTemplate:
    """Messages → the text that the model reads, up to where its reply begins."""

    def __init__(self, texts: Mapping[str, str], names: Mapping[str, str], source: Path) -> None:
        """texts: the templates by their names, `default` among them. Raises ConfigError for a broken default."""
        self._texts = texts
        self._names = names
        self._source = source
        self._compiled: dict[str, jinja2.Template] = {}
        self._template(_DEFAULT)

    def text(self, messages: list[Message], fields: Mapping[str, Any] = {}) -> str:
        """The text of `messages`. fields: of the request, such as `tools`; what changes the text is used.

        Raises ConfigError where the template refuses them.
        """
        import jinja2

        tools = fields.get("tools")
        template = self._template(_WITH_TOOLS if tools is not None and _WITH_TOOLS in self._texts else _DEFAULT)
        # Templates ask whether these are none; an undefined name is not.
        given = {"tools": tools, "documents": fields.get("documents"), "add_generation_prompt": True}
        given |= {name: fields[name] for name in _OF_REQUEST if name in fields}
        own = fields.get("chat_template_kwargs")
        given |= own if isinstance(own, Mapping) else {}
        try:
            return template.render(**{**self._names, **given, "messages": [_usual(message) for message in messages]})
        # A template is a program: what it does wrong with other types of messages shows in Python's own errors.
        except (
            jinja2.TemplateError,
            TypeError,
            ValueError,
            LookupError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise ConfigError(f"{self._source}: the chat template refuses the messages ({error})") from error

    def _template(self, name: str) -> "jinja2.Template":
        if name not in self._compiled:
            self._compiled[name] = _compile(self._texts[name], self._source)
        return self._compiled[name]


def template_tokens(tokenizer_path: str, text: str) -> int:
    """Tokens that the chat template adds to one message of the user, seen at `text`. Raises ConfigError."""
    template = load_chat_template(tokenizer_path)
    if template is None:
        raise ConfigError(
            f"{tokenizer_path}: with_chat_template is True, but there is no chat template beside the tokenizer; "
            f"put {_FILE} or {_CONFIG} there, or set with_chat_template to False"
        )
    count = load_tokenizer(tokenizer_path).count
    return count(template.text([{"role": "user", "content": text}])) - count(text)


def load_chat_template(tokenizer_path: str) -> ChatTemplate | None:
    """The template beside the tokenizer; None where there is none. Raises ConfigError."""
    directory = tokenizer_file(tokenizer_path).parent
    config = _read_config(directory / _CONFIG)
    source, texts = _find(directory, config)
    if _DEFAULT not in texts:
        return None
    # What older models have in a file of its own, which the config overrides.
    tokens = _read_config(directory / "special_tokens_map.json") | config
    names = {name: _token(tokens[name]) for name in tokens if name.endswith("_token") and tokens[name]}
    return ChatTemplate(texts, names, source)


def _find(directory: Path, config: Mapping[str, Any]) -> tuple[Path, dict[str, str]]:
    """(where the templates stand, the templates by name): files of their own win over the configs."""
    files = {path.stem: path for path in sorted(directory.glob(f"{_FOLDER}/*.jinja"))}
    if (own := directory / _FILE).is_file():
        files[_DEFAULT] = own
    if _DEFAULT in files:
        return files[_DEFAULT], {name: _read(path) for name, path in files.items()}
    for source, found in (
        (directory / _PROCESSOR, _read_config(directory / _PROCESSOR)),
        (directory / _CONFIG, config),
    ):
        if texts := _named(found.get("chat_template")):
            return source, texts
    return directory / _FILE, {}


def _named(given: object) -> dict[str, str]:
    """Templates by name, of a text, of a list of named ones, or of a dict of them."""
    if isinstance(given, str):
        return {_DEFAULT: given}
    if isinstance(given, list):
        given = {each.get("name"): each.get("template") for each in given if isinstance(each, Mapping)}
    return {name: text for name, text in given.items() if isinstance(text, str)} if isinstance(given, Mapping) else {}


def _compile(text: str, source: Path) -> "jinja2.Template":
    try:
        import jinja2
    except ImportError as error:
        raise ConfigError(
            f"{source}: the chat template needs the package jinja2; install it ({install('tokenizer')}), "
            "or move the template away to count without it"
        ) from error
    from fastbench.tokenizer.template_language import environment

    try:
        return environment().from_string(text)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"{source}: the chat template is broken at line {error.lineno}: {error.message}") from error


def _usual(message: Message) -> Message:
    """A message as the models' own library gives it to templates: without nulls, its reasoning under both names."""
    known = {name: value for name, value in message.items() if value is not None}
    reasoning = next((known[name] for name in _REASONING if name in known), None)
    return known if reasoning is None else {"thinking": reasoning, **known, "reasoning_content": reasoning}


def _token(value: object) -> str:
    return str(value.get("content", "")) if isinstance(value, Mapping) else str(value)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the file cannot be read ({error})") from error


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        config = json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: this is not JSON ({error})") from error
    return config if isinstance(config, dict) else {}


NO_FIELDS: Mapping[str, Any] = {}


class Countable(Protocol):
    """A sample as it is counted: its prompt and the parameters of its request."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def fields(self) -> dict[str, Any] | None: ...


class PromptCounter:
    """Counts prompts as a service would: those of a chat with what the model's chat template adds to them."""

    def __init__(
        self, tokenizer: Tokenizer, template: ChatTemplate | None, fields: Mapping[str, Any] = NO_FIELDS
    ) -> None:
        """template: None = prompts are counted as they are, messages joined by line ends. fields: of all requests,
        which a sample's own go over: tools are part of what a chat's template makes."""
        self.tokenizer = tokenizer
        self._template = template
        self._fields = fields

    @classmethod
    def load(cls, tokenizer_path: str, *, chat: bool, fields: Mapping[str, Any] = NO_FIELDS) -> "PromptCounter":
        """From the files of a model. Raises ConfigError."""
        return cls(load_tokenizer(tokenizer_path), load_chat_template(tokenizer_path) if chat else None, fields)

    def counts(self, samples: Sequence[Countable]) -> list[int]:
        """Tokens of each sample's prompt. Raises ConfigError where the template refuses one."""
        counts = iter(self.tokenizer.counts([self._text(sample) for sample in samples if not _is_ids(sample.prompt)]))
        return [len(sample.prompt) if _is_ids(sample.prompt) else next(counts) for sample in samples]

    def _text(self, sample: Countable) -> str:
        if self._template is None:
            return prompt_text(sample.prompt)
        return self._template.text(_messages(sample.prompt), {**self._fields, **(sample.fields or {})})


def _is_ids(prompt: Prompt) -> bool:
    return isinstance(prompt, list) and bool(prompt) and isinstance(prompt[0], int)


def _messages(prompt: Prompt) -> list[Message]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [part for part in prompt if isinstance(part, dict)]
