"""A dialect that another package brings: one file and an entry point, by the face `fastbench.dialects` alone."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from asking import ask
from plugged import NAME, PLUGIN, WORDS, acme, lying_in
from tiny_service import tiny_service

from fastbench.config.fields.issues import Issues
from fastbench.config.services import ServiceConfig, build_service
from fastbench.datasets import Sample
from fastbench.dialects import Dialect, check_conversations, dialect_of
from fastbench.errors import ConfigError
from fastbench.registry import DIALECTS, dialect_names

STREAMED = b'r"hm"\n' + b"".join(b't"%b"\n' % word.encode() for word in WORDS)
WHOLE = b't"%b"\n' % "".join(WORDS).encode()


@pytest.fixture(autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package is installed for the time of a test."""
    with lying_in(tmp_path_factory.mktemp("site"), monkeypatch):
        yield


def build(**fields: Any) -> ServiceConfig:
    issues = Issues("run.py")
    service = build_service({"type": "acme_ask", "model": "big"} | fields, "models[0]", issues)
    issues.check()
    assert service is not None
    return service


def test_it_needs_the_face_alone() -> None:
    """The package's file imports nothing of fastbench but `fastbench.dialects`."""
    tree = ast.parse((PLUGIN / NAME / "dialect.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"typing", "fastbench.dialects"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


def test_it_stands_beside_fastbenchs_own() -> None:
    """Its name and its alias are known behind fastbench's own, to configs too."""
    assert DIALECTS.names()[-1] == "acme_ask"
    assert isinstance(DIALECTS.get("acme_ask"), Dialect)
    assert dialect_names()["acme"] == "acme_ask"
    assert (build().type, build(type="acme").type, build().abbr) == ("acme_ask", "acme_ask", "acme-ask")
    with pytest.raises(ConfigError, match=r"models\[0\]\.type is 'acme_as'; did you mean acme_ask\?"):
        build(type="acme_as")


def test_its_service_is_spoken_to() -> None:
    """A stream and a whole reply of its service are read with their words, their tokens and their end."""
    with tiny_service(acme) as tiny:
        for stream in (True, False):
            result = ask(tiny.url, Sample(0, "a b"), "acme_ask", model="big", stream=stream, max_out_len=3)
            assert (result.outcome, result.finish) == ("ok", "length")
            assert (result.input, result.output) == ((1, "usage"), (3, "usage"))
            assert result.text == (STREAMED if stream else WHOLE)
            assert result.row["events"] == (4 if stream else 1)
        refused = ask(tiny.url, Sample(0, "a b"), "acme_ask", model="small")
    assert refused.outcome == "http_error"
    assert b"not in the form" in refused.note


def test_its_request() -> None:
    """The request has the dialect's path, headers and body, the user's and the row's parameters in their place."""
    fields: dict[str, Any] = {"api_key": "k-1", "generation_kwargs": {"heat": 1, "cold": 2}}
    with tiny_service(acme) as tiny:
        sample = Sample(0, [{"role": "user", "content": "q"}], output_len=2, fields={"cold": 3, "odd": [1]})
        ask(tiny.url, sample, "acme_ask", model="big", **fields)
        (asked,) = tiny.asked
    assert (asked.headers["x-acme-key"], asked.headers["x-acme-version"]) == ("k-1", "2")
    assert "authorization" not in asked.headers
    assert json.dumps(asked.body) == json.dumps({
        "trace": "r-1",
        "talk": {"turns": [{"who": "user", "says": "q"}]},
        "how": {"live": True, "heat": 1, "cold": 3, "odd": [1], "at_most": 2},
    })  # fmt: skip


def test_what_it_says_of_itself_decides() -> None:
    """Its answers decide on token ids, conversations, adapters, the model's name and the name of the length."""
    assert dialect_of(build()).takes == {"text", "messages"}
    check_conversations(build(), "sharegpt")
    assert (build().body_fields, build().droppable) == ((), ())
    for fields, told in (
        ({"model": ""}, "model_name is missing; it must be the model's name, which acme_ask asks for by its URL"),
        ({"request_id_header": "x-acme-version"}, "is 'x-acme-version', which says something else"),
        ({"length_field": "live"}, "length_field is 'live', which holds something else"),
        ({"generation_kwargs": {"lora_data_map_file": "x"}}, "is set, but acme_ask knows no adapters"),
        ({"generation_kwargs": {"at_most": 0}, "api_key": "k", "headers": {"x-acme-key": "v"}}, "has X-Acme-Key too"),
    ):
        with pytest.raises(ConfigError, match=told):
            build(**fields)


def test_one_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken package is told where its dialect is asked for, and takes nothing from the others."""
    monkeypatch.setitem(sys.modules, f"{NAME}.dialect", None)
    assert "acme_ask" in dialect_names()
    assert "acme" not in dialect_names()
    assert build(type="openai_chat").type == "openai_chat"
    with pytest.raises(
        ConfigError, match=r"type is 'acme_ask', but the dialect acme_ask of the package fastbench-acme"
    ):
        build()
