"""`config/redactor.py`: keys are taken out of texts and of settings, and nothing else is."""

import pytest

from fastbench.config import show
from fastbench.secrets import Redactor, cleaned, hide_in_text, secrets_in, secrets_in_source

KEY = "sk-leakme"
PLAIN = "hunter2"


class Model:
    def __repr__(self) -> str:
        return f"Model(api_key={PLAIN!r})"


@pytest.mark.parametrize(
    "value",
    [
        {"api_key": PLAIN, "type": "openai_chat"},
        {"apikey": PLAIN},
        {"OPENAI_API_KEY": PLAIN},
        {"models": [{"headers": {"X-Team": PLAIN}}]},
        {"headers": f"X-Team: {PLAIN}"},
        {"headers": [["X-Team", PLAIN]]},
        {"generation_kwargs": {"auth_token": PLAIN}},
        {"generation_kwargs": {"extra": [{"client_secret": [PLAIN]}]}},
        {"password": PLAIN.encode()},
        {"key": 271828182845},
        [("api_key", PLAIN)],
        ["Authorization", PLAIN],
        {("api_key", PLAIN): 1},
        Model(),
        {"x": Model()},
        KEY,
        {"x": [KEY, {KEY: 1}]},
        KEY.encode(),
        f"http://user:{PLAIN}@host:8000",
        f"http://user:{PLAIN}/x@host:8000",
        f"https://{PLAIN}@host",
        f"http://host:8000/v1?api_key={PLAIN}",
        f"http://host:8000/v1?q={PLAIN}",
        f"http://host:8000/#{PLAIN}",
        f"host:8000?access_token={PLAIN}",
        f"Authorization: Bearer {PLAIN}",
        f'{{"api_key": "{PLAIN}"}}',
        f"api_key={PLAIN}",
        f"--token={PLAIN}",
    ],
)
def test_no_shape_of_settings_shows_a_key(value: object) -> None:
    """Whatever the shape, what is shown of a value has no key in it."""
    told = show(value)
    assert not any(key in told for key in (PLAIN, "leakme", "271828"))
    assert told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"max_tokens": 5, "stop_token_ids": [1]}, "{'max_tokens': 5, 'stop_token_ids': [1]}"),
        ({"tokenizer": "qwen", "prompt_key": "text"}, "{'tokenizer': 'qwen', 'prompt_key': 'text'}"),
        ({"api_key": ""}, "{'api_key': ''}"),
        ("http://host:8000/v1/chat", "'http://host:8000/v1/chat'"),
        ("http://host:8000/a@b", "'http://host:8000/a@b'"),
        ((1, 2.5, None, True), "(1, 2.5, None, True)"),
        (dict, "class dict"),
        ({3: "x"}, "{3: 'x'}"),
        ("a basic chat, a bearer of news", "'a basic chat, a bearer of news'"),
    ],
)
def test_other_settings_are_shown(value: object, told: str) -> None:
    """What is no key is shown as the user wrote it."""
    assert show(value) == told


def test_a_value_that_holds_itself_has_an_end() -> None:
    """A value that holds itself is shown to some depth."""
    value: list[object] = []
    value.append(value)
    assert "…" in repr(cleaned(value))


@pytest.mark.parametrize(
    "text",
    [
        "it must be a number, not 'x'; see `fastbench perf --help`.",
        "Invalid value for '--api-key-env': it is empty",
        "names the environment variable KEY, which is not set; export it first",
        "models[0].api_key is set, and headers has Authorization too; set one of them",
        'WWW-Authenticate: Bearer realm="vllm"',
        "max_tokens=5 is more than max_total_tokens=4",
        'give it again, best as "env:NAME"',
        "api_key=env:NAME",
    ],
)
def test_other_texts_are_left_alone(text: str) -> None:
    """A message without a key is told as it is."""
    assert hide_in_text(text) == text


def test_what_was_learnt_is_hidden_in_every_spelling() -> None:
    """A key is hidden as it is, in a URL, in JSON and in Python, and without its scheme."""
    redactor = Redactor()
    redactor.learn_in({"headers": {"Authorization": 'Bearer pa"ss wörd/9'}})
    for text in ('pa"ss wörd/9', "wörd/9", r"pa\"ss w\u00f6rd/9", "w%C3%B6rd%2F9"):
        assert "rd/9" not in redactor.hide(f"it was {text}, he said")
        assert "rd%2F9" not in redactor.hide(f"it was {text}, he said")


def test_a_short_key_does_not_tear_words() -> None:
    """A key of a few letters is hidden as a word of its own only; one that stands for none is not hidden."""
    redactor = Redactor()
    redactor.learn("blue", "EMPTY", "abc", "$VARIABLE", "env:VARIABLE")
    told = redactor.hide("blueish blue EMPTY abc $VARIABLE env:VARIABLE")
    assert told == "blueish <hidden> EMPTY abc $VARIABLE env:VARIABLE"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (f"models = [dict(api_key='{PLAIN}'", [PLAIN]),
        (f'API_KEY = "{PLAIN}"', [PLAIN]),
        (f"models[0]['api_key'] = '{PLAIN}'", [PLAIN]),
        (f'headers = {{"X-Api-Key": f"{PLAIN}"}}', [PLAIN]),
        (f"api_key={PLAIN})", [PLAIN]),
        ("api_key=get_key(1)", []),
        ("max_tokens=512, tokenizer='qwen'", []),
        (f"x = '{KEY}'", [KEY]),
    ],
)
def test_keys_of_a_source(source: str, found: list[str]) -> None:
    """The text of a config tells its keys, whether it is Python or not."""
    assert list(secrets_in_source(source)) == found


def test_a_schema_is_no_key() -> None:
    """Words below a name such as "token" are no keys: they may be a schema's."""
    assert list(secrets_in({"guided_json": {"properties": {"token": {"type": "string"}}}})) == []
