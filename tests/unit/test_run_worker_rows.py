"""Rows of whole requests through a worker: what the service gets, what the recording says."""

import json
from pathlib import Path

from driving import MS, OK
from msgspec.structs import replace
from replies import DONE, FINISH, delta, document, stream
from serving import Service
from tasks import carry_out, noting, task_of, url_of

from fastbench._core.ring import OUTCOMES
from fastbench.config import DatasetConfig
from fastbench.datasets import RowsConfig
from fastbench.recording import Recording

BODY = b'{"messages":[{"role":"user", "content":"\\u00e9"}],"top_p":1.00}'
SECRET = "sk-of-a-row-1234567"


def rows_of(folder: Path, *rows: bytes) -> DatasetConfig:
    (folder / "rows.jsonl").write_bytes(b"\n".join(rows))
    return RowsConfig(abbr="rows", path=str(folder / "rows.jsonl"))


def run(folder: Path, seen: list[bytes], *rows: bytes, reply: bytes = OK, warmups: int = 0) -> Recording:
    with Service(noting(seen, lambda _: reply)) as service:
        task = task_of(url_of(service), rows_of(folder, *rows), warmups=warmups, model="", batch_size=1)
        return carry_out(task, folder)[1]


def test_rows_arrive_as_they_stand(tmp_path: Path) -> None:
    """The service gets each row's bytes and headers; the warm-up has the first row's headers and no row's prompt."""
    seen: list[bytes] = []
    first = b'{"body":%b,"headers":{"X-Tenant":"t"},"path":"/t/chat"}' % BODY
    run(tmp_path, seen, first, BODY.replace(b"{", b'{"model":"lora",', 1), warmups=1)
    warm, own, bare = seen
    assert b"/t/chat HTTP" in warm
    assert b"\r\nX-Tenant: t\r\n" in warm
    assert b"\\u00e9" not in warm
    assert own.startswith(b"POST /t/chat HTTP/1.1\r\n")
    assert b"\r\nX-Tenant: t\r\n" in own
    behind = b',"stream":true,"stream_options":{"include_usage":true}}'
    assert own.endswith(BODY[:-1] + b',"model":"the-model"' + behind)
    assert bare.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert bare.endswith(b'{"model":"lora",' + BODY[1:-1] + behind)


def test_a_session_keeps_its_order_and_its_waits(tmp_path: Path) -> None:
    """Rows of a session go out one after the other, each so long after the reply before; classes are recorded."""
    rows = [
        b'{"body":%b,"session_id":"s","class":"main"}' % BODY,
        b'{"body":%b,"session_id":"s","delay":30,"class":"sub"}' % BODY,
        BODY,
    ]
    recording = run(tmp_path, [], *rows)
    found = recording.rows[recording.rows["request"].argsort()]
    assert recording.header["classes"] == ["main", "sub"]
    assert found["class_number"].tolist() == [1, 2, 0]
    assert found["turn"].tolist() == [0, 1, 0]
    assert (found["session"] > 0).tolist() == [True, True, False]
    wait_ns = int(found["intended_ns"][1] - found["message_ns"][0])
    assert wait_ns == 30 * MS
    assert found["planned_output"].tolist() == [-1, -1, -1]


def test_a_session_that_fails_cancels_its_later_rows(tmp_path: Path) -> None:
    """They have an outcome and their class all the same, and nothing more is sent."""
    seen: list[bytes] = []
    rows = [b'{"body":%b,"session_id":"s","class":"%b"}' % (BODY, name) for name in (b"a", b"b")]
    recording = run(tmp_path, seen, *rows, reply=document(b"no", status="500 No"))
    found = recording.rows[recording.rows["request"].argsort()]
    assert [OUTCOMES[code] for code in found["outcome"]] == ["http_error", "cancelled"]
    assert found["class_number"].tolist() == [1, 2]
    assert len(seen) == 1


def test_rows_go_out_at_their_times(tmp_path: Path) -> None:
    """With time stamps the intended times are the rows', in order."""
    rows = [b'{"body":%b,"timestamp":%d}' % (BODY, at) for at in (40, 0, 20)]
    with Service(noting([])) as service:
        task = task_of(url_of(service), rows_of(tmp_path, *rows), use_timestamp=True, batch_size=9)
        _, recording = carry_out(task, tmp_path)
    intended = sorted(recording.rows["intended_ns"].tolist())
    assert [at - intended[0] for at in intended] == [0, 20 * MS, 40 * MS]


def test_a_key_of_a_row_is_nowhere(tmp_path: Path) -> None:
    """A service that repeats the key of a row's header in its error does not bring it into the recording."""
    row = b'{"body":%b,"headers":{"Authorization":"Bearer %b"}}' % (BODY, SECRET.encode())
    seen: list[bytes] = []
    recording = run(tmp_path, seen, row, reply=document(f"bad key {SECRET}".encode(), status="401 No"))
    assert SECRET.encode() in seen[0]
    (message,) = recording.messages.values()
    assert b"bad key <hidden>" in message
    files = [path for path in (tmp_path / "recording").rglob("*") if path.is_file()]
    assert files
    assert not any(SECRET.encode() in path.read_bytes() for path in files)


def test_a_length_for_all_rows(tmp_path: Path) -> None:
    """--param max_tokens goes over what rows ask for, and is what was planned."""
    seen: list[bytes] = []
    row = b'{"max_tokens":7,"messages":[{"role":"user","content":"a"}]}'
    with Service(noting(seen)) as service:
        task = task_of(url_of(service), rows_of(tmp_path, row))
        asked = replace(task, service=replace(task.service, generation_kwargs={"max_tokens": 3}))
        _, recording = carry_out(asked, tmp_path)
    assert json.loads(seen[0].partition(b"\r\n\r\n")[2])["max_tokens"] == 3
    assert recording.rows["planned_output"].tolist() == [3]


def test_the_length_of_a_row_is_what_is_planned(tmp_path: Path) -> None:
    """Of rows that ask for a length, it; of others nothing."""
    rows = (BODY[:-1] + b',"max_completion_tokens":5}', BODY)
    recording = run(tmp_path, [], *rows)
    assert sorted(recording.rows["planned_output"].tolist()) == [-1, 5]


def test_replies_are_checked_by_what_their_rows_ask(tmp_path: Path) -> None:
    """Of a session each reply by its own row, of single rows beside it theirs, below what the run asks for; a row that
    asks for nothing is not checked."""
    asks = [b',"regex":"%b"}' % regex for regex in (b"a+", b"b")]
    (good, bad), plain = (BODY[:-1] + ask for ask in asks), BODY
    in_session = b'{"body":%b,"session_id":"s"}'
    rows = in_session % bad, good, in_session % good, plain, in_session % plain, bad
    recording = run(tmp_path, [], *rows, reply=stream(delta("a"), FINISH, DONE))
    found = recording.structured
    told = sorted(zip(recording.rows["request"].tolist(), found.known.tolist(), found.valid.tolist(), strict=True))
    # The session's three rows come first.
    assert [(known, valid) for _, known, valid in told] == [
        (True, False),
        (True, True),
        (False, False),
        (True, True),
        (False, False),
        (True, False),
    ]
