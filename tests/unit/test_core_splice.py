"""Where the members of a JSON object stand in its text."""

import json
import random
from typing import Any

import pytest

from fastbench._core.splice import members


def test_members_are_found_where_they_stand() -> None:
    """Names are decoded, values are not; white space, nested objects and braces inside strings do not matter."""
    text = b' {"a" : 1.00 ,"b\\u0041":[{"c":"}\\""}],\n"d":"x\\\\"} '
    found = members(text)
    assert found is not None
    assert [(name, text[begins:end], text[value:end]) for name, begins, value, end in found] == [
        ("a", b'"a" : 1.00', b"1.00"),
        ("bA", b'"b\\u0041":[{"c":"}\\""}]', b'[{"c":"}\\""}]'),
        ("d", b'"d":"x\\\\"', b'"x\\\\"'),
    ]


def test_an_object_within_a_text() -> None:
    """Bounds choose an object inside the text; places still count from the text's start."""
    text = b'[{"a":{"b":2}}]'
    assert members(text, 1, len(text) - 1) == [("a", 2, 6, 13)]
    assert members(text, 6, 13) == [("b", 7, 11, 12)]


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"1", b'{"a":1} x', b'{"a":}', b'{"a"', b'{"a":1,}', b"{a:1}", b'{"a" 1}', b'{"a":1', b"{"]
)
def test_what_is_no_object_has_no_members(text: bytes) -> None:
    """A text that is no single object, or one without its end, gives None."""
    assert members(text) is None


def test_random_objects_are_taken_apart_as_json_has_them() -> None:
    """For 300 random objects, in two ways of writing, the parts are those that Python's own decoder finds."""
    draw = random.Random(1)

    def value(depth: int) -> Any:
        kind = draw.randrange(7 if depth else 4)
        texts = "".join(draw.choice('a"\\{}[],:é\u2028\x00') for _ in range(draw.randrange(9)))
        if kind < 4:
            return [draw.uniform(-1e9, 1e9), draw.randrange(10**6), draw.choice([True, False, None]), texts][kind]
        some = range(draw.randrange(4))
        return [value(depth - 1) for _ in some] if kind == 4 else {f"{texts}{at}": value(depth - 1) for at in some}

    for _ in range(300):
        document = {f"k{at}\\": value(3) for at in range(draw.randrange(5))}
        for text in (json.dumps(document).encode(), json.dumps(document, indent=1, ensure_ascii=False).encode()):
            found = members(text)
            assert found is not None
            assert {name: json.loads(text[start:end]) for name, _, start, end in found} == document
