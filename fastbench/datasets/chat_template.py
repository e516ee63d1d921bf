"""The chat template of a model: what a service makes of messages before it counts their tokens."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fastbench.config.service import tokenizer_file
from fastbench.datasets.sample import Message
from fastbench.datasets.tokens import load_tokenizer
from fastbench.errors import ConfigError

if TYPE_CHECKING:
    import jinja2

_FILE, _CONFIG = "chat_template.jinja", "tokenizer_config.json"


class ChatTemplate:
    """Messages → the text that the model reads, up to where its reply begins."""

    def __init__(self, template: "jinja2.Template", names: Mapping[str, str], source: Path) -> None:
        self._template = template
        self._names = names
        self._source = source

    def text(self, messages: list[Message]) -> str:
        """The text of `messages`. Raises ConfigError where the template refuses them."""
        import jinja2

        try:
            return self._template.render(messages=messages, add_generation_prompt=True, **self._names)
        # A template is a program: what it does wrong with other types of messages shows in Python's own errors.
        except (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise ConfigError(f"{self._source}: the chat template refuses the messages ({error})") from error


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
    source = directory / _FILE
    text = _read(source) if source.is_file() else None
    if text is None:
        source, text = directory / _CONFIG, _default(config.get("chat_template"))
    if text is None:
        return None
    names = {name: _token(config[name]) for name in config if name.endswith("_token") and config[name]}
    return ChatTemplate(_compile(text, source), names, source)


def _compile(text: str, source: Path) -> "jinja2.Template":
    try:
        import jinja2
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise ConfigError(
            f"{source}: the chat template needs the package jinja2; install it (pip install jinja2), "
            "or move the template away to count without it"
        ) from error
    # As the models' own library sets it up: templates are written for these settings.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now(UTC).strftime(form)
    try:
        return environment.from_string(text)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"{source}: the chat template is broken at line {error.lineno}: {error.message}") from error


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


def _default(given: object) -> str | None:
    """The text of a template, or of the one named default in a list of them."""
    if isinstance(given, list):
        given = next((each.get("template") for each in given if each.get("name") == "default"), None)
    return given if isinstance(given, str) else None


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
