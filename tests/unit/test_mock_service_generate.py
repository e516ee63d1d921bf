"""The mock's routes beside OpenAI's: paths, bodies and the shapes of their replies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mock_client import Answer, ask
from nursery import Mock

from fastbench.mock.requests.body import inspect_body

TGI, TGI_STREAM, MINDIE = "/generate", "/generate_stream", "/infer"
TRITON, TRITON_STREAM = "/v2/models/mock/generate", "/v2/models/mock/generate_stream"
PROMPT_FIELD = {"tgi": "inputs", "triton": "text_input", "mindie": "inputs"}


def events(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(block.removeprefix("data:")) for block in answer.body.decode().split("\n\n") if block]


def run(path: str, *, stream: bool | None = None, **parameters: Any) -> Answer:
    """The reply to two prompt tokens and three output tokens."""
    body: dict[str, Any] = {"inputs": "a b", "text_input": "a b", "parameters": {"max_new_tokens": 3, **parameters}}
    with Mock() as mock:
        return ask(mock.url, body if stream is None else {**body, "stream": stream}, path)


def test_tgi_stream() -> None:
    """TGI's events have one token each, numbered from 1; the last one has the whole text and, if asked, details."""
    answer = run(TGI_STREAM, details=True)
    assert answer.body.startswith(b'data:{"index":1,')
    *tokens, last = events(answer)
    assert [event["index"] for event in (*tokens, last)] == [1, 2, 3]
    assert all(isinstance(event["token"]["id"], int) for event in (*tokens, last))
    assert all(event["generated_text"] is event["details"] is None for event in tokens)
    assert last["generated_text"] == "".join(event["token"]["text"] for event in (*tokens, last))
    wanted = {"finish_reason": "length", "generated_tokens": 3, "seed": None, "input_length": 2}
    assert last["details"] == wanted
    assert events(run(TGI_STREAM))[-1]["details"] is None


def test_tgi_document() -> None:
    """TGI's whole reply is its text, with details only if they were asked for."""
    assert set(run(TGI).json) == {"generated_text"}
    assert run(TGI, details=True).json["details"]["generated_tokens"] == 3


def test_mindie() -> None:
    """MindIE's body says whether a stream is wanted; the last token's text stands in the whole text only."""
    *tokens, last = events(run(MINDIE, stream=True, details=True))
    assert [len(event["token"]["id"]) for event in (*tokens, last)] == [1, 1, 1]
    assert last["token"]["text"] is None
    assert last["generated_text"].startswith("".join(event["token"]["text"] for event in tokens))
    assert last["details"]["finish_reason"] == "length"
    assert set(run(MINDIE, stream=False).json) == {"generated_text"}


def test_triton() -> None:
    """Triton's events are text, and with details count the tokens so far."""
    plain = events(run(TRITON_STREAM))
    assert [set(event) for event in plain] == [{"model_name", "model_version", "text_output"}] * 3
    counted = events(run(TRITON_STREAM, details=True))
    assert [event["details"]["generated_tokens"] for event in counted] == [1, 2, 3]
    assert run(TRITON).json["model_name"] == "mock"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/a%2fb%20c/generate", 200),
        ("/v2/models/a%2Fb%20c/versions/3/generate_stream", 200),
        ("/v2/models/a%2Fb/generate", 404),
        ("/v2/models/a%2Fb%20cd/generate", 404),
        ("/v2/models//generate", 404),
        ("/v2/models/a%2Fb%20c/infer", 404),
        ("/v2/models/a%2Fb%20c", 404),
        ("/v2/models/", 404),
        ("/v2/models/a%2Fb%20%6/generate", 404),
    ],
)
def test_triton_models(path: str, status: int) -> None:
    """The model in the path must be the served one, percent-encoded or not, of any version."""
    with Mock(model="a/b c") as mock:
        assert ask(mock.url, {"text_input": "x"}, path).status == status


@pytest.mark.parametrize("dialect", PROMPT_FIELD)
def test_bodies(dialect: str) -> None:
    """The prompt's tokens and the parameters are found among fields that the mock does not know."""
    body = {
        "id": "r", PROMPT_FIELD[dialect]: "one two", "x": [1],
        "parameters": {"y": {}, "max_new_tokens": 9, "min_new_tokens": 2, "ignore_eos": True, "details": True},
    }  # fmt: skip
    found = inspect_body(json.dumps(body).encode(), dialect)
    assert (found["prompt_tokens"], found["prompts"], found["max_tokens"], found["min_tokens"]) == (2, 1, 9, 2)
    assert (found["ignore_eos"], found["details"]) == (True, True)


@pytest.mark.parametrize("dialect", PROMPT_FIELD)
@pytest.mark.parametrize(
    ("body", "error", "param"),
    [
        ({"parameters": {}}, "missing", None),
        ({"PROMPT": 5}, "type", None),
        ({"PROMPT": ["a"]}, "type", None),
        ({"PROMPT": "a", "parameters": 5}, "type", "parameters"),
        ({"PROMPT": "a", "parameters": {"max_new_tokens": "5"}}, "type", "max_new_tokens"),
        ({"PROMPT": "a", "parameters": {"max_new_tokens": 0}}, "range", "max_new_tokens"),
        ({"PROMPT": "a", "parameters": {"details": 1}}, "type", "details"),
    ],
)
def test_wrong_bodies(dialect: str, body: dict[str, Any], error: str, param: str | None) -> None:
    """A wrong field is told by name, those in `parameters` too."""
    field = PROMPT_FIELD[dialect]
    text = json.dumps({(field if name == "PROMPT" else name): value for name, value in body.items()})
    found = inspect_body(text.encode(), dialect)
    assert (found["error"], found["param"]) == (error, param or field)


def test_the_log_names_the_route(tmp_path: Path) -> None:
    """The log says by which protocol each request came, with the writes of a stream's output events."""
    paths = (TGI, TGI_STREAM, TRITON, TRITON_STREAM, MINDIE)
    with Mock(log=str(tmp_path / "log")) as mock:
        for path in paths:
            body = {"inputs": "a", "text_input": "a", "stream": True, "parameters": {"max_new_tokens": 4}}
            assert ask(mock.url, body, path).status == 200
        entries = mock.log_entries(len(paths))
    assert [entry["path"] for entry in entries] == [path.replace("/mock", "") for path in paths]
    assert [len(entry["writes_ns"]) for entry in entries] == [0, 4, 0, 4, 4]
    assert {entry["output_tokens"] for entry in entries} == {4}


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [("http=429", 429, "overloaded"), ("http=503", 503, "generation"), ("", 400, "validation")],
)
def test_errors(fault: str, status: int, kind: str) -> None:
    """A refusal by these protocols is TGI's flat object, of which Triton's is a part."""
    with Mock() as mock:
        body = {"inputs": "a"} if fault else {"parameters": {}}
        answer = ask(mock.url, body, TGI, {"X-Mock-Fault": fault} if fault else {})
    assert (answer.status, answer.json["error_type"]) == (status, kind)
    assert isinstance(answer.json["error"], str)
