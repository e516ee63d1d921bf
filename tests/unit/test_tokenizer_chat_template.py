"""Chat templates, and the tokens that prompts have with them."""

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from data_files import small_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers

from fastbench.config.fields.lengths import Uniform
from fastbench.datasets import Sample, SyntheticConfig, open_dataset
from fastbench.errors import ConfigError
from fastbench.tokenizer import Prompt, PromptCounter, load_chat_template
from fastbench.tokenizer.vocabulary import COMMON_WORDS

# In the manner of ChatML, with a block that only other messages reach.
CHAT = (
    "{{ bos_token }}{% for message in messages %}\n"
    "    {% if message['role'] == 'tool' %}{{ raise_exception('no tools') }}{% endif %}\n"
    "start {{ message['role'] }} {{ message['content'] | trim }} end\n"
    "{% endfor %}{% if add_generation_prompt %}start assistant{% endif %}"
)
MESSAGES = [{"role": "system", "content": "time"}, {"role": "user", "content": " able "}]
TEXT = "free start system time end\nstart user able end\nstart assistant"


def model(folder: Path, template: str | None = None, **config: Any) -> str:
    """A model's directory: a tokenizer of one token for each word, a config, and a template in a file of its own."""
    words = {
        word: number for number, word in enumerate(["[UNK]", *COMMON_WORDS, "start", "user", "system", "assistant"])
    }
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "free "} | config), encoding="utf-8")
    if template is not None:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return str(folder)


def rendered(path: str, messages: list[dict[str, Any]] = MESSAGES) -> str:
    template = load_chat_template(path)
    assert template is not None
    return template.text(messages)


def asking(*prompts: Prompt) -> list[Sample]:
    return [Sample(index, prompt) for index, prompt in enumerate(prompts)]


def test_a_template_stands_in_a_file_or_in_the_config(tmp_path: Path) -> None:
    """The template's own file wins; else it is in tokenizer_config.json, alone or as the default of several."""
    assert load_chat_template(model(tmp_path)) is None
    assert rendered(model(tmp_path, chat_template=CHAT)) == TEXT
    several = [{"name": "tools", "template": "x"}, {"name": "default", "template": CHAT}]
    assert rendered(model(tmp_path, chat_template=several)) == TEXT
    assert rendered(model(tmp_path, "own", chat_template=CHAT)) == "own"
    (tmp_path / "tokenizer_config.json").unlink()
    assert rendered(str(tmp_path / "tokenizer.json")) == "own"


def test_special_tokens_may_be_dicts(tmp_path: Path) -> None:
    """A special token is known by its content, however it is written."""
    path = model(tmp_path, "{{ bos_token }}|{{ eos_token }}", eos_token={"content": "</s>", "lstrip": False})
    assert rendered(path) == "free |</s>"


USER = [{"role": "user", "content": "a<b"}]
TOOLS = [{"type": "function", "function": {"name": "w\u00e4"}}]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% for m in messages %}{% generation %}{% set x = 1 %}{{ m.content }}{% endgeneration %}{% endfor %}", "a<b"),
        ("{%- generation -%} {{ messages[0].content }} {%- endgeneration -%} .", "a<b."),
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "a<b"}'),
        ("{{ {'b': 1, 'a': 'ä'} | tojson(sort_keys=true, ensure_ascii=true) }}", '{"a": "\\u00e4", "b": 1}'),
        ("{{ {'b': 1, 'a': 2} | tojson(separators=(',', ':')) }}", '{"b":1,"a":2}'),
        ("{{ [1] | tojson(indent=2) }}{{ 'ä' | tojson(true) }}", '[\n  1\n]"\\u00e4"'),
        ("{% for n in range(9) %}{% if n == 1 %}{% continue %}{% endif %}{% if n == 3 %}{% break %}{% endif %}{{ n }}"
         "{% endfor %}", "02"),
        ("{% if tools is not none or documents is not none %}given{% else %}none{% endif %}", "none"),
        ("{% if date_string is defined %}given{% else %}not{% endif %} {{ strftime_now('%Y') | length }}", "not 4"),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "1"),
    ],
)  # fmt: skip
def test_templates_have_what_the_models_own_library_gives_them(tmp_path: Path, template: str, text: str) -> None:
    """Tags, filters and names that transformers gives to chat templates are rendered as it renders them."""
    assert rendered(model(tmp_path, template), USER) == text


def test_the_fields_of_a_request_reach_its_template(tmp_path: Path) -> None:
    """Tools, and what chat_template_kwargs holds, change the text as they do in a service."""
    template = load_chat_template(model(tmp_path, "{{ tools | tojson }} {{ date_string }} {{ messages | length }}"))
    assert template is not None
    fields = {"tools": TOOLS, "chat_template_kwargs": {"date_string": "1 May", "messages": []}, "stop": "x"}
    assert template.text(USER, fields) == f"{json.dumps(TOOLS, ensure_ascii=False)} 1 May 1"
    asks = load_chat_template(model(tmp_path, "{{ reasoning_effort }} {{ add_generation_prompt }}"))
    assert asks is not None
    assert asks.text(USER, {"reasoning_effort": "low", "add_generation_prompt": False}) == "low False"


def test_tools_have_a_template_of_their_own(tmp_path: Path) -> None:
    """The template tool_use renders requests with tools, the default all others, whatever holds them."""
    by_name = {"default": "plain", "tool_use": "tools"}
    as_list = [{"name": name, "template": text} for name, text in by_name.items()]
    for given in (by_name, as_list, None):
        path = model(tmp_path, None if given else "plain", **({"chat_template": given} if given else {}))
        if given is None:
            (tmp_path / "chat_templates").mkdir()
            (tmp_path / "chat_templates" / "tool_use.jinja").write_text("tools")
        template = load_chat_template(path)
        assert template is not None
        assert (template.text(USER), template.text(USER, {"tools": TOOLS})) == ("plain", "tools")


def test_a_template_stands_in_a_processors_file(tmp_path: Path) -> None:
    """A template is found in chat_template.json too, and tokens that the config lacks in special_tokens_map.json."""
    path = model(tmp_path)
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": "{{ bos_token }}|{{ pad_token }}"}))
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"bos_token": "x", "pad_token": {"content": "p"}}))
    assert rendered(path) == "free |p"


def test_messages_reach_a_template_without_nulls(tmp_path: Path) -> None:
    """A null of a message is left out, and its reasoning is found under the names that templates read."""
    path = model(tmp_path, "{{ messages[0].content is defined }} {{ messages[0].reasoning_content }}")
    assert rendered(path, [{"role": "assistant", "content": None, "reasoning": "hm"}]) == "False hm"


def test_a_template_runs_in_a_cage(tmp_path: Path) -> None:
    """A template can read no file and reach no code of Python's."""
    escape = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(ConfigError, match="the chat template refuses the messages"):
        rendered(model(tmp_path, escape))


@pytest.mark.parametrize(
    ("template", "messages", "told"),
    [
        (CHAT, [{"role": "tool", "content": ""}], "the chat template refuses the messages (no tools)"),
        ("{{ messages[7]['role'] }}", MESSAGES, "the chat template refuses the messages"),
        ("{% if %}", MESSAGES, "the chat template is broken at line 1"),
        ("{% generation %}", MESSAGES, "the chat template is broken at line 1"),
        ("{{ 1 // 0 }}", MESSAGES, "the chat template refuses the messages"),
    ],
)
def test_templates_that_fail_are_told(tmp_path: Path, template: str, messages: Any, told: str) -> None:
    """A template that cannot be read or refuses the messages is told with its file."""
    with pytest.raises(ConfigError) as caught:
        rendered(model(tmp_path, template), messages)
    assert str(caught.value).startswith(f"{tmp_path / 'chat_template.jinja'}: {told}")


def test_a_broken_config_is_told(tmp_path: Path) -> None:
    """A tokenizer_config.json that is not JSON is told with its name."""
    path = model(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tokenizer_config.json: this is not JSON"):
        load_chat_template(path)


def test_without_jinja2_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is missing, a template is told to need it; without a template nothing is missed."""
    usual = builtins.__import__

    def without_jinja2(name: str, *rest: Any) -> Any:
        if name.startswith("jinja2"):
            raise ImportError(name)
        return usual(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_jinja2)
    assert load_chat_template(model(tmp_path)) is None
    with pytest.raises(ConfigError, match="needs the package jinja2; install it"):
        load_chat_template(model(tmp_path, CHAT))


def test_prompts_of_a_chat_are_counted_with_their_template(tmp_path: Path) -> None:
    """Text and messages are counted as the service sees them, ids by their number."""
    path = model(tmp_path, CHAT)
    # free start user ... [UNK for "end"] start assistant: 6 tokens around the text.
    assert PromptCounter.load(path, chat=True).counts(asking("able time", MESSAGES, [7, 8, 9])) == [8, 11, 3]
    assert PromptCounter.load(path, chat=False).counts(asking("able time", [1], "time")) == [2, 1, 1]


def test_the_tools_of_a_request_are_counted(tmp_path: Path) -> None:
    """Tools, of the run or of a row, are part of the prompt that is counted; a row's go over the run's."""
    path = model(tmp_path, "{% for tool in tools or [] %}able {% endfor %}{{ messages[0].content }}")
    samples = [Sample(0, "time"), Sample(1, "time", fields={"tools": [{}, {}]})]
    assert PromptCounter.load(path, chat=True).counts(samples) == [1, 3]
    assert PromptCounter.load(path, chat=True, fields={"tools": [{}]}).counts(samples) == [2, 3]


def test_messages_without_a_template_are_counted_by_their_texts(tmp_path: Path) -> None:
    """Where the model has no template, messages count as their texts."""
    assert PromptCounter.load(model(tmp_path), chat=True).counts(asking(MESSAGES, "able")) == [2, 1]


@pytest.mark.parametrize("length", [7, 8, 300])
def test_exact_lengths_with_the_template(tmp_path: Path, length: int) -> None:
    """Where asked, prompts are as long as asked with all that the template adds."""
    path = model(tmp_path, CHAT)
    config = SyntheticConfig(count=9, input_len=Uniform(low=length, high=length), with_chat_template=True)
    samples = list(open_dataset(config, path).samples())
    assert PromptCounter.load(path, chat=True).counts(samples) == [length] * 9
    assert {sample.input_len for sample in samples} == {length}


@pytest.mark.parametrize(
    ("template", "fields", "told"),
    [
        (CHAT, {}, "input_len is 6 at the least; it must be at least 7: 6 tokens of the chat template, and 1 of text"),
        (None, {}, "with_chat_template is True, but there is no chat template beside the tokenizer"),
    ],
)
def test_lengths_that_the_template_does_not_leave_are_refused(
    tmp_path: Path, template: str | None, fields: dict[str, Any], told: str
) -> None:
    """A prompt shorter than its template, and a template that is not there, are told before anything is sent."""
    config = SyntheticConfig(count=1, input_len=Uniform(low=6, high=9), with_chat_template=True, **fields)
    with pytest.raises(ConfigError) as caught:
        open_dataset(config, model(tmp_path, template))
    assert told in str(caught.value)


def test_a_template_needs_a_tokenizer() -> None:
    """Lengths with the template cannot be made without a tokenizer."""
    config = SyntheticConfig(count=1, input_len=Uniform(low=60, high=90), with_chat_template=True)
    with pytest.raises(ConfigError, match="with_chat_template is True, but the model has no tokenizer; set path"):
        open_dataset(config)


def test_a_tokenizer_without_a_template_counts_texts(tmp_path: Path) -> None:
    """A tokenizer.json with nothing beside it counts a chat's prompt as its text."""
    tokenizer = small_tokenizer(tmp_path, ["hello", "world"])
    assert PromptCounter.load(tokenizer, chat=True).counts(asking("hello world")) == [2]
