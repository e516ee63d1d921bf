"""Rows that are whole requests: what is read of them, sessions and times, pictures."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from fastbench.datasets import RowsConfig, RowsDataset, Sample, open_dataset, spoken
from fastbench.errors import DatasetError

BODY = {"messages": [{"role": "user", "content": "a"}], "max_tokens": 5}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def opened(folder: Path, *rows: Any, name: str = "rows.jsonl", **settings: Any) -> RowsDataset:
    """The data set of a file of these rows; text stands for itself, anything else for its JSON."""
    path = folder / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = open_dataset(RowsConfig(abbr="rows", path=str(path), **settings))
    assert isinstance(found, RowsDataset)
    return found


def raw_body(sample: Sample) -> bytes:
    assert sample.raw is not None
    return sample.raw.body


def test_a_row_is_a_body_or_has_one(tmp_path: Path) -> None:
    """A body is the bytes as they stand, alone or under `body`, beside which stand path, headers, class and time."""
    bare = '  {"messages" : [],\t"max_completion_tokens":3, "x":1.0}  '
    around = (
        '{"class":7, "session_id":"s", "delay":1.5, "path":"/p", "headers":{"A":"\\u0062"}, "body": {"messages":[ ]} }'
    )
    first, second = opened(tmp_path, bare, around).samples()
    assert (raw_body(first), first.output_len, first.class_name) == (bare.strip().encode(), 3, "")
    assert second.raw is not None
    assert (second.raw.body, second.raw.path, second.raw.headers) == (b'{"messages":[ ]}', "/p", b'{"A":"\\u0062"}')
    assert (second.class_name, second.timestamp_ns, second.output_len) == ("7", None, None)


def test_what_will_be_sent_is_known(tmp_path: Path) -> None:
    """The survey counts requests, classes, times, the longest reply, and fields around bodies that say nothing."""
    rows = (
        BODY,
        {"body": BODY, "class": "b", "note": 1},
        {"body": {**BODY, "max_tokens": 9}, "class": "a"},
    )
    found = opened(tmp_path, *rows).survey(None)
    assert (found.samples, found.requests, found.longest_output, found.timed) == (3, 3, 9, 0)
    assert (found.classes, found.unused) == (("a", "b"), (("note", 1),))
    assert opened(tmp_path, *rows).survey(1).classes == ()
    asked = ({**BODY, "regex": "a"}, {"body": {**BODY, "extra_body": {"guided_json": {}}}}, {**BODY, "grammar": None})
    assert opened(tmp_path, *asked).survey(None).structures == {"regex", "guided_json"}


def test_what_bodies_ask_of_replies_is_known(tmp_path: Path) -> None:
    """The survey has the names of what asks for a structure, also within `parameters`; one that is none is refused."""
    form = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    rows = ({**BODY, "response_format": form}, {"body": {"inputs": "a", "parameters": {"regex": "a+"}}})
    assert opened(tmp_path, *rows).survey(None).structures == {"response_format", "regex"}
    assert opened(tmp_path, BODY).survey(None).structures == frozenset()
    with pytest.raises(DatasetError, match=r"line 2: the row has '\(' as guided_regex, which is no regular expression"):
        opened(tmp_path, BODY, {"body": {**BODY, "guided_regex": "("}}).survey(None)


def test_rows_of_a_session_are_one_sample(tmp_path: Path) -> None:
    """They follow each other in the file's order, each with its own class and wait; samples stand in order of time."""
    rows = [
        {"body": {**BODY, "max_tokens": 1}, "session_id": "s", "timestamp": 30, "class": "main"},
        {"body": {**BODY, "max_tokens": 2}, "timestamp": 20},
        {"body": {**BODY, "max_tokens": 3}, "session_id": "s", "delay": 2.5},
        {"body": {**BODY, "max_tokens": 4}},
    ]
    single, session, last = opened(tmp_path, *rows).samples()
    assert [sample.index for sample in (single, session, last)] == [0, 1, 2]
    assert (single.output_len, last.output_len, session.timestamp_ns) == (2, 4, 30_000_000)
    told = [(turn.output_len, turn.wait_ns, turn.class_name) for turn in session.turns]
    assert told == [(1, None, "main"), (3, 2_500_000, "")]
    found = opened(tmp_path, *rows).survey(None)
    assert (found.samples, found.requests, found.timed) == (3, 4, 2)
    assert [sample.output_len for sample in opened(tmp_path, *rows, test_range="[::2]").samples()] == [2, 4]


def test_pictures_are_put_in_where_a_row_says_so(tmp_path: Path) -> None:
    """`image_files` makes data URLs of files' names, beside the rows; other URLs, and rows without it, stay as is."""
    (tmp_path / "a.png").write_bytes(PNG)
    parts = [
        {"type": "image_url", "image_url": {"detail": "low", "url": "a.png"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
    ]
    body = {"messages": [{"role": "user", "content": parts}], "note": '"image_url":{"url":"no.png"}'}
    data = opened(tmp_path, {"body": body, "image_files": True}, {"body": body})
    data.survey(None)
    put_in, left = data.samples()
    assert raw_body(put_in) == json.dumps(body).encode().replace(
        b'"a.png"', b'"data:image/png;base64,%b"' % b64encode(PNG)
    )
    assert raw_body(left) == json.dumps(body).encode()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('{"messages": [', "is not JSON"),
        ("[1]", "is [1], not an object"),
        ({"body": 3}, "has 3 as body, which must be an object"),
        ({"body": BODY, "pth": "/x"}, "has the field pth beside its body; did you mean path?"),
        ({"body": BODY, "path": "x"}, "has 'x' as path, which must be text that begins with a slash"),
        ({"body": BODY, "path": "/a b"}, "has '/a b' as path, which must hold neither blanks"),
        ({"body": BODY, "headers": {"a": 1}}, "has headers that are no object of texts"),
        ({"body": BODY, "headers": {"X": "s3cret\n"}}, "has the header X, which has a value with a line break"),
        ({"body": BODY, "headers": {"X": "$NO_SUCH_ONE"}}, "NO_SUCH_ONE, which is not set"),
        ({"body": BODY, "class": ""}, "has '' as class, which must be a name"),
        ({"body": BODY, "class": ["x"]}, "has ['x'] as class, which must be a name"),
        ({"body": BODY, "timestamp": -1}, "has -1 as timestamp, which must be milliseconds from 0"),
        ({"body": BODY, "delay": 5}, "has a delay but no session_id"),
        ({"body": BODY, "session_id": "s", "delay": "5"}, "has '5' as delay, which must be milliseconds"),
        ({"body": BODY, "image_files": 1.5}, "has 1.5 as image_files, which must be true or false"),
        ({"body": BODY, "image_files": True}, "has image_files, but no image_url of its body is a file's name"),
        ({**BODY, "max_tokens": 0}, "has 0 as max_tokens, which must be a whole number from 1"),
        ({**BODY, "model": 5}, "has 5 as model, which must be the name of one"),
        ({**BODY, "regex": "("}, "has '(' as regex, which is no regular expression"),
        ({**BODY, "parameters": {"grammar": {"type": "regex"}}}, "has None as parameters.grammar.value"),
    ],
)
def test_a_broken_row_is_told_with_its_place(tmp_path: Path, row: Any, fault: str) -> None:
    """File, line, field and what to do, in one line, before anything is sent; no header's value is shown."""
    with pytest.raises(DatasetError) as caught:
        opened(tmp_path, BODY, "", row).survey(None)
    told = str(caught.value)
    assert told.startswith(f"{tmp_path}/rows.jsonl, line 3: the row ")
    assert fault in told
    assert "\n" not in told
    assert "s3cret" not in told


@pytest.mark.parametrize(("content", "fault"), [(None, "cannot be read: No such file"), (b"text", "is no image by")])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes | None, fault: str) -> None:
    """One that is missing, or does not begin as an image does."""
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}]}
    with pytest.raises(DatasetError, match=f"line 1: the row has the image .*a.png.*{fault}"):
        opened(tmp_path, {"body": body, "image_files": True}).survey(None)


def test_files_that_have_no_requests(tmp_path: Path) -> None:
    """An empty file and a CSV file are refused; so are more classes than a recording can tell apart."""
    with pytest.raises(DatasetError, match="is empty; write one request body a line"):
        opened(tmp_path)
    with pytest.raises(DatasetError, match="cannot stand in a CSV file"):
        opened(tmp_path, "prompt", "a", name="rows.csv")
    rows = [{"body": BODY, "class": at} for at in range(256)]
    with pytest.raises(DatasetError, match="have 256 classes, and a recording can tell at most 255 apart"):
        opened(tmp_path, *rows).survey(None)


def test_a_body_can_be_read_by_who_counts_tokens(tmp_path: Path) -> None:
    """Its prompt and its other fields, tools among them."""
    (sample,) = opened(tmp_path, {**BODY, "tools": [1]}).samples()
    told = spoken(sample)
    assert (told.prompt, told.fields) == (BODY["messages"], {"max_tokens": 5, "tools": [1]})
