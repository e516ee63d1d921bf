"""What requests ask of a reply's text, by every name that services have for it, and whether a text is that."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from fastbench import structured
from fastbench.structured import StructureError, constraints_of, fault_of

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
VALID, WRONG, CUT = '{"age": 3}', '{"age": "three"}', '{"age": 3'


@pytest.fixture(autouse=True)
def unread() -> Iterator[None]:
    """Nothing is remembered from one test to the next."""
    structured._made.cache_clear()
    yield
    structured._made.cache_clear()


def faults(body: dict[str, Any], *texts: str) -> list[str | None]:
    constraints = constraints_of(body)
    return [fault_of(constraints, text) for text in texts]


@pytest.mark.parametrize(
    ("field", "body"),
    [
        (
            "response_format.json_schema.schema",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}},
        ),
        ("response_format.schema", {"response_format": {"type": "json_object", "schema": SCHEMA}}),
        ("guided_json", {"guided_json": SCHEMA}),
        ("guided_json", {"guided_json": json.dumps(SCHEMA)}),
        ("structured_outputs.json", {"structured_outputs": {"json": SCHEMA}}),
        ("json_schema", {"json_schema": json.dumps(SCHEMA)}),
        ("json_schema.schema", {"json_schema": {"name": "a", "schema": SCHEMA}}),
        ("extra_body.guided_json", {"model": "m", "extra_body": {"guided_json": SCHEMA}}),
        ("sampling_params.json_schema", {"text": "a", "sampling_params": {"json_schema": json.dumps(SCHEMA)}}),
        ("parameters.grammar.value", {"parameters": {"grammar": {"type": "json", "value": SCHEMA}}}),
    ],
)
def test_a_json_schema_under_every_name(field: str, body: dict[str, Any]) -> None:
    """A reply is valid where it is JSON that the schema allows, whatever field the schema stands in."""
    assert [one.field for one in constraints_of(body)] == [field]
    assert faults(body, VALID, f" {VALID}\n", WRONG, "{}", CUT, "", "NaN") == [
        *("", "", "type at $.age", "required at $", "not JSON", "not JSON", "not JSON"),
    ]


@pytest.mark.parametrize(
    ("body", "valid", "invalid"),
    [
        ({"guided_regex": r"\d{3}"}, "123", "1234"),
        ({"regex": "a|ab"}, "ab", "abc"),
        ({"structured_outputs": {"regex": "[a-z]+"}}, "abc", "abc\n"),
        ({"grammar": {"type": "regex", "value": "x+"}}, "xx", "yxx"),
        ({"guided_choice": ["yes", "no"]}, "no", "no."),
        ({"structured_outputs": {"choice": ["yes"]}}, "yes", " yes"),
        ({"response_format": {"type": "json_object"}}, '{"a": 1}', "[1]"),
        ({"structured_outputs": {"json_object": True}}, "{}", "1"),
        # All of it must hold.
        ({"guided_json": {"type": "integer"}, "regex": r"\d\d"}, "12", "1"),
    ],
)
def test_what_is_no_schema(body: dict[str, Any], valid: str, invalid: str) -> None:
    """A regular expression must match the whole text; a choice is one of those; a JSON object is no list."""
    found = faults(body, valid, invalid)
    assert found[0] == ""
    assert found[1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"temperature": 0, "messages": [{"role": "user", "content": "regex"}]},
        {"response_format": None, "regex": None},
        {"response_format": {"type": "text"}},
        {"response_format": {"type": "structural_tag", "structures": []}},
        {"grammar": 'root ::= "a"', "ebnf": 'root ::= "a"'},
    ],
)
def test_what_asks_for_nothing_that_is_checked(body: dict[str, Any]) -> None:
    """Plain text, grammars and structural tags are not checked."""
    assert constraints_of(body) == ()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"guided_json": {"type": "strng"}}, "has a guided_json that is no JSON schema ('strng' is not valid"),
        ({"guided_json": {"properties": {"a": 3}}}, "at $.properties.a)"),
        ({"guided_json": "{"}, "has guided_json that is no JSON (unexpected end of data)"),
        ({"guided_json": 3}, "has 3 as guided_json, which must be a JSON schema"),
        ({"response_format": "json"}, "has 'json' as response_format, which must be an object"),
        ({"response_format": {"type": "json_schema"}}, "has response_format without schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "has response_format.json_schema without"),
        ({"structured_outputs": {"json": {"minimum": "a"}}}, "has a structured_outputs.json that is no JSON schema"),
        ({"regex": "("}, "has '(' as regex, which is no regular expression (missing )"),
        ({"guided_regex": 3}, "has 3 as guided_regex, which must be a regular expression"),
        ({"guided_choice": "yes"}, "has 'yes' as guided_choice, which must be a list of texts"),
    ],
)
def test_what_is_none_is_refused(body: dict[str, Any], told: str) -> None:
    """A schema, an expression or a choice that is none is told with its field."""
    with pytest.raises(StructureError) as caught:
        constraints_of(body)
    assert told in str(caught.value)


def test_what_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said of a text by an expression of another kind, nor by a schema whose references lead elsewhere: none
    is fetched."""
    monkeypatch.setattr(socket, "socket", None)
    assert faults({"regex": r"\p{L}+"}, "a") == [None]
    assert faults({"guided_json": {"$ref": "http://127.0.0.1:9/a.json"}}, VALID, CUT) == [None, "not JSON"]
    assert faults({"guided_json": {"$ref": "#/$defs/a", "$defs": {"a": SCHEMA}}}, VALID, "{}") == ["", "required at $"]


def test_a_fault_repeats_nothing_of_the_text() -> None:
    """What is wrong is told by the schema's words and the place."""
    (fault,) = faults({"guided_json": {"items": {"enum": [1]}}}, '[1, "secret"]')
    assert fault == "enum at $[]"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package jsonschema no schema is checked, and all else is."""
    monkeypatch.setattr(structured, "PACKAGE", "jsonschema_that_is_not_there")
    assert not structured.is_installed()
    assert faults({"guided_json": SCHEMA}, VALID, CUT) == [None, None]
    assert faults({"guided_regex": "a"}, "a", "b") == ["", "does not match the regex"]
    with pytest.raises(StructureError, match="which must be a JSON schema, an object"):
        constraints_of({"guided_json": 3})


FOLDED = {f"f{k}": {"anyOf": [{"$ref": f"#/$defs/f{k + 1}"}] * 2} for k in range(40)} | {"f40": False}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"guided_regex": "(a+)+b"}, "a" * 60),
        ({"guided_json": {"patternProperties": {"^(a+)+b$": {"minimum": 1}}}}, '{"%s": 0}' % ("a" * 60)),
        ({"json_schema": {"additionalProperties": {"$ref": "#/$defs/f0"}, "$defs": FOLDED}}, '{"a": 0}'),
    ],
)
def test_a_check_that_takes_for_ever_is_given_up(body: dict[str, Any], text: str) -> None:
    """It is ended after its time, and not tried again; others are checked afterwards as before."""
    with structured.LimitedChecks(0.05) as check:
        assert fault_of(constraints_of(body), text, check) is None
        assert list(check.given_up.values()) == list(body)
        assert fault_of(constraints_of(body), "{}", check) is None
        assert fault_of(constraints_of({"regex": "[ab]+"}), "é\n", check) == "does not match the regex"


def test_not_many_endless_checks_are_tried() -> None:
    """Beyond so many that were given up what may be endless cannot be told, and all else is."""
    with structured.LimitedChecks(most=0) as check:
        assert fault_of(constraints_of({"regex": "a", "guided_choice": ["b"]}), "a", check) == "none of the choices"
        assert fault_of(constraints_of({"regex": "a"}), "a", check) is None
