"""What is wrong with a package's dialect is told before anything is sent."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from plugged import lying_in

from fastbench.config.services import ServiceConfig
from fastbench.datasets import Sample
from fastbench.dialects import BodyParts, Dialect, Slot, check_requests
from fastbench.dialects.checks import check_dialect
from fastbench.errors import ConfigError
from fastbench.registry import DIALECTS, alias_fault

PACKAGE = "the dialect acme_ask of the package fastbench-acme"


@pytest.fixture(autouse=True)
def dialect(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialect]:
    """That of the example package, which is installed for the time of a test."""
    with lying_in(tmp_path_factory.mktemp("site"), monkeypatch):
        yield DIALECTS.get("acme_ask")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"path": "v1/x y"}, "path is 'v1/x y'; it must begin with a slash"),
        ({"stream_path": "/a\r\nHost: b"}, "stream_path is "),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "has the header 'X-A', which has a value with a line break"),
        ({"key_header": "X A"}, "has the header 'X A', which is named 'X A'"),
        ({"headers": {"Host": "b"}}, "has the header 'Host', which is set by fastbench"),
        ({"headers": {"X-A": 1}}, "headers is .*; it must be a dict of texts"),
        ({"takes": frozenset({"text", "pictures"})}, "takes .*; it must be some of text, messages, token_ids"),
        ({"takes": frozenset()}, "takes .*; it must be some of"),
        ({"rules": ()}, "has no rules"),
        ({"rules": (("a", "texts"),)}, "no such role of a JSON path: 'texts'"),
        ({"rules": (("a", "text", "b"),)}, "a rule is .path, role. or"),
        ({"rules": (("a", "finish"),)}, "rules has no output"),
        ({"body": None}, "body is None; it must be a function"),
        ({"usage": "usage"}, "usage is 'usage'; it must be a UsageField, or None"),
    ],
)
def test_a_field_that_cannot_be_used(dialect: Dialect, change: dict[str, Any], told: str) -> None:
    """Each field that would spoil requests, or the reading of replies, is one sentence."""
    with pytest.raises(Exception, match=told):
        check_dialect(replace(dialect, **change))


def test_what_is_fit_is_used(dialect: Dialect) -> None:
    """The example's dialect and fastbench's own have nothing that is refused."""
    for found in DIALECTS:
        check_dialect(found)


def raising(*_: Any) -> Any:
    raise KeyError("who")


def leaving(*_: Any) -> Any:
    sys.exit("no more")


@pytest.mark.parametrize(
    ("field", "function", "told"),
    [
        ("prompt", raising, r"cannot make a prompt \(KeyError: 'who'\); fix the package or uninstall it"),
        ("prompt", leaving, r"cannot make a prompt \(SystemExit: no more\)"),
        ("prompt", lambda sample: None, r"cannot make a prompt \(its `prompt` gives None for the row 0"),
        ("prompt", lambda sample: {1, 2}, r"cannot make a prompt \(.*: Type is not JSON serializable: set\)"),
        ("body", raising, r"cannot describe the body of a request \(KeyError: 'who'\)"),
        ("body", lambda parts: None, r"the body of a request \(its `body` gives NoneType, not a dict\)"),
        ("body", lambda parts: {"a": 1}, r"the body of a request \(its `body` has no Slot.PROMPT\)"),
        ("body", lambda parts: {"a": {1}, "p": Slot.PROMPT}, r"\(TypeError: Object of type set is not JSON"),
        ("body", lambda parts: {1: 1, "p": Slot.PROMPT}, r"the body of a request \(JSONDecodeError: "),
        ("body", lambda parts: {"a": float("nan"), "p": Slot.PROMPT}, r"\(JSONDecodeError: "),
    ],
)
def test_requests_that_cannot_be_written(
    dialect: Dialect, monkeypatch: pytest.MonkeyPatch, field: str, function: Callable[[BodyParts], Any], told: str
) -> None:
    """What the functions of a dialect raise, or give that is no body or prompt, is told with its package."""
    monkeypatch.setitem(DIALECTS._found, "acme_ask", replace(dialect, **{field: function}))
    service = ServiceConfig(type="acme_ask", abbr="m", url="http://127.0.0.1:1", model="big")
    with pytest.raises(ConfigError, match=f"^{PACKAGE} {told}" if told.startswith("cannot") else told):
        check_requests(service, [Sample(0, "hi")])


@pytest.mark.parametrize("alias", ["chat", "openai_chat"])
def test_an_alias_that_another_has(dialect: Dialect, monkeypatch: pytest.MonkeyPatch, alias: str) -> None:
    """An alias that is a name or alias of fastbench's own is told where it is used, as a name is; others go on."""
    monkeypatch.setitem(DIALECTS._found, "acme_ask", replace(dialect, aliases=(alias,)))
    assert alias_fault(alias) == (
        f"{PACKAGE} has the alias {alias}, which is one of fastbench's own; rename it there, or uninstall the package"
    )
    assert (alias_fault("acme_ask"), alias_fault("tgi"), alias_fault("nothing")) == ("", "", "")
