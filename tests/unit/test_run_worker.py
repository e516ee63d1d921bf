"""One task from its plan to its closed recording."""

import json
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from certificates import CERTIFICATE, secure
from driving import MS, OK
from msgspec.structs import replace
from replies import chunk, delta, document, head
from serving import Handler, Service, closed_port, each_request, stall
from tasks import PROMPTS, body_of, carry_out, noting, task_of, url_of

from fastbench._core.ring import FLAGS, OUTCOMES
from fastbench.datasets import open_dataset
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.errors import DatasetError, ServiceError
from fastbench.live import Progress
from fastbench.metrics import Selection
from fastbench.metrics.server.outcomes import outcomes
from fastbench.recording import Recording
from fastbench.run.stop import Stop
from fastbench.units import Duration, Rate


def outcome_names(recording: Recording) -> set[str]:
    return {OUTCOMES[code] for code in recording.rows["outcome"]}


def test_a_closed_loop(tmp_path: Path) -> None:
    """Every prompt of the plan is asked once, after the warm-up; the recording says so, and how it ended."""
    seen: list[bytes] = []
    told: list[Progress] = []
    with Service(noting(seen)) as service:
        complete, recording = carry_out(task_of(url_of(service), warmups=2, batch_size=3), tmp_path, told.append)
    rows = recording.rows
    warmup = rows["flags"] & FLAGS["warmup"] != 0
    assert complete
    assert (warmup.sum(), (~warmup).sum(), len(seen)) == (2, 12, 14)
    assert sorted(rows["request"][~warmup]) == list(range(12))
    assert (recording.damage, recording.lost_rows, outcome_names(recording)) == ([], 0, {"ok"})
    footer = recording.footer or {}
    assert (footer["planned"], footer["interrupted"], footer["reason"]) == (12, False, None)
    assert footer["client"]["outcomes"]["ok"] == 12
    assert sum(record["reads"] for record in recording.health) >= 12
    assert {"warm-up", "measure"} == {progress.phase for progress in told}
    assert recording.header["load"]["concurrency"] == 3


def test_requests_are_the_data_sets(tmp_path: Path) -> None:
    """The bodies hold the data set's prompts and lengths in its order; ids are the run's and differ."""
    seen: list[bytes] = []
    with Service(noting(seen)) as service:
        _, recording = carry_out(task_of(url_of(service)), tmp_path)
    samples = list(open_dataset(PROMPTS, "").samples())
    bodies = [body_of(request) for request in seen]
    assert [body["messages"][0]["content"] for body in bodies] == [sample.prompt for sample in samples]
    assert [body["max_tokens"] for body in bodies] == [sample.output_len for sample in samples]
    assert {body["model"] for body in bodies} == {"m"}
    run_id = recording.header["run_id"]
    for number, request in enumerate(seen):
        assert f"\r\nX-Request-Id: {run_id}-{number:012d}\r\n".encode() in request


def test_the_same_seed_sends_the_same_bodies(tmp_path: Path) -> None:
    """Two runs of one plan ask the same, byte for byte."""
    runs: list[list[bytes]] = []
    for name in ("a", "b"):
        seen: list[bytes] = []
        with Service(noting(seen)) as service:
            carry_out(task_of(url_of(service), warmups=1), tmp_path / name)
        runs.append([request.partition(b"\r\n\r\n")[2] for request in seen])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 13


def test_an_open_loop(tmp_path: Path) -> None:
    """At a fixed rate each request is intended at its own time, and none is sent before it."""
    with Service(noting([])) as service:
        task = task_of(url_of(service), request_rate=Rate(200.0), batch_size=20)
        complete, recording = carry_out(task, tmp_path)
    rows = np.sort(recording.rows, order="request")
    assert complete
    assert np.array_equal(np.diff(rows["intended_ns"]), np.full(11, 5 * MS))
    assert np.all(rows["sent_ns"] >= rows["intended_ns"])


def test_the_models_name_is_asked_for(tmp_path: Path) -> None:
    """Without a model in the config the service's first one stands in the requests and in the header."""
    seen: list[bytes] = []
    with Service(noting(seen)) as service:
        _, recording = carry_out(task_of(url_of(service), model=""), tmp_path)
    assert {body_of(request)["model"] for request in seen} == {"the-model"}
    assert recording.header["service"]["model"] == "the-model"


@pytest.mark.parametrize("kind", ["openai_chat", "openai_completions"])
def test_without_streaming(tmp_path: Path, kind: str) -> None:
    """A task without streaming takes one document for each request."""
    reply = {"choices": [{"index": 0, "message": {"content": "hi"}, "text": "hi", "finish_reason": "stop"}]}
    with Service(noting([], lambda _: document(json.dumps(reply).encode()))) as service:
        complete, recording = carry_out(task_of(url_of(service), type=kind, stream=False), tmp_path)
    assert (complete, outcome_names(recording)) == (True, {"ok"})
    assert not np.any(recording.rows["flags"] & FLAGS["stream"])


def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An https URL is measured like another one, with the kernel's stamps and the certificates of SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with secure(noting([])) as service:
        task = task_of(url_of(service, "https"), model="", batch_size=4, warmups=1)
        complete, recording = carry_out(task, tmp_path)
    assert (complete, outcome_names(recording)) == (True, {"ok"})
    # The kernel begins to stamp a moment after it was first asked to: the warm-up's request may come before that.
    measured = recording.rows[recording.rows["flags"] & FLAGS["warmup"] == 0]
    assert np.all(measured["flags"] & FLAGS["kernel"])


def test_an_untrusted_certificate(tmp_path: Path) -> None:
    """Over TLS the warm-up's failure says that the certificate is the reason."""
    with secure(noting([])) as service, pytest.raises(ServiceError, match="refused, TLS: self-signed certificate"):
        carry_out(task_of(url_of(service, "https"), warmups=1), tmp_path)


def test_a_failed_warm_up_ends_the_task(tmp_path: Path) -> None:
    """When no warm-up request succeeds nothing is measured; the recording is closed and says why."""
    seen: list[bytes] = []
    with Service(noting(seen, lambda _: document(b"no model", status="404 Not Found"))) as service:
        task = task_of(url_of(service), warmups=3)
        with pytest.raises(ServiceError, match="HTTP status 404, no model; check url and model") as caught:
            carry_out(task, tmp_path)
    recording = Recording.open(tmp_path / "recording")
    assert len(seen) == len(recording.rows) == 3
    footer = recording.footer or {}
    assert (footer["interrupted"], footer["reason"], footer["planned"]) == (True, str(caught.value), 12)


def test_failures_are_measured_all_the_same(tmp_path: Path) -> None:
    """Without a warm-up a service that only fails is a complete run of failures, each with its reason."""
    with Service(noting([], lambda _: document(b"overloaded", status="503 Busy"))) as service:
        complete, recording = carry_out(task_of(url_of(service)), tmp_path)
    assert (complete, outcome_names(recording)) == (True, {"http_error"})
    assert set(recording.messages.values()) == {b"overloaded"}
    assert outcomes(Selection(recording)).get("http_error") == 12


def test_nobody_listens(tmp_path: Path) -> None:
    """A service that cannot be reached is told before a recording is begun."""
    with pytest.raises(ServiceError, match="cannot be reached"):
        carry_out(task_of(f"http://127.0.0.1:{closed_port()}"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_the_backend_refuses(tmp_path: Path) -> None:
    """A row that cannot be sent, changed since it was checked, ends the run with its number; what was sent before it
    is recorded."""
    path = tmp_path / "rows.jsonl"
    row = json.dumps({"prompt": "hello " * 500})
    path.write_text(f"{row}\n" * 411)

    def change(_: bytes) -> bytes:
        with path.open("r+") as file:
            file.seek(400 * (len(row) + 1))
            file.write('{"prompt": [1, 2, 3]}'.ljust(len(row)))
        return OK

    with Service(noting([], change)) as service:
        task = task_of(url_of(service), JsonlConfig(abbr="rows", path=str(path)))
        with pytest.raises(DatasetError, match="row 400 of the data set holds token ids"):
            carry_out(task, tmp_path)
    recording = Recording.open(tmp_path / "recording")
    assert sorted(recording.rows["request"]) == list(range(400))
    assert outcome_names(recording) <= {"ok", "cancelled"}
    assert (recording.footer or {})["reason"].startswith("row 400")
    assert sum(outcomes(Selection(recording)).values()) == 411


def stopping(stop: Stop, times: int, *, after: int, streaming: bool) -> tuple[Handler, threading.Thread]:
    """A service's handler, and a thread that asks to stop so many times once `after` requests have come."""
    come = threading.Semaphore(0)
    go_on = threading.Event()

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            come.release()
            if streaming:
                connection.sendall(head("text/event-stream", "Transfer-Encoding: chunked") + chunk(delta("a")))
                stall(connection)
                return
            go_on.wait(20)
            connection.sendall(OK)

    def ask() -> None:
        for _ in range(after):
            assert come.acquire(timeout=120)
        for _ in range(times):
            stop()
            time.sleep(0.1)
        go_on.set()

    return handler, threading.Thread(target=ask)


def test_stopped_once(tmp_path: Path) -> None:
    """After one wish to stop what is in flight ends by itself, and every planned request is accounted for."""
    stop = Stop()
    handler, stopper = stopping(stop, 1, after=4, streaming=False)
    with Service(handler) as service:
        stopper.start()
        complete, recording = carry_out(
            task_of(url_of(service), replace(PROMPTS, count=1000), batch_size=4), tmp_path, stop=stop
        )
        stopper.join()
    assert not complete
    assert (recording.footer or {})["interrupted"] is True
    assert outcomes(Selection(recording)) == {"ok": 4, "cancelled": 996}


def test_stopped_twice(tmp_path: Path) -> None:
    """After a second one what is in flight is cancelled too, at once; the recording is whole."""
    stop = Stop()
    handler, stopper = stopping(stop, 2, after=4, streaming=True)
    with Service(handler) as service:
        stopper.start()
        complete, recording = carry_out(
            task_of(url_of(service), replace(PROMPTS, count=100), batch_size=4), tmp_path, stop=stop
        )
        stopper.join()
    assert not complete
    assert outcomes(Selection(recording)) == {"ok": 0, "cancelled": 100}
    assert recording.rows["events"].sum() == 4
    assert recording.damage == []


def test_stopped_in_the_warm_up(tmp_path: Path) -> None:
    """A run that is stopped while it warms up measures nothing, and is no failure of the service's."""
    stop = Stop()
    handler, stopper = stopping(stop, 2, after=1, streaming=True)
    with Service(handler) as service:
        stopper.start()
        complete, recording = carry_out(task_of(url_of(service), warmups=5, batch_size=1), tmp_path, stop=stop)
        stopper.join()
    assert not complete
    assert np.all(recording.rows["flags"] & FLAGS["warmup"])
    assert (recording.footer or {})["reason"] == "stopped by the user"


def test_the_time_limits_are_the_configs(tmp_path: Path) -> None:
    """request_timeout ends a request; None ends none."""
    with Service(lambda connection, _: stall(connection)) as service:
        task = task_of(url_of(service), replace(PROMPTS, count=2), request_timeout=Duration(100 * MS), batch_size=2)
        _, recording = carry_out(task, tmp_path / "short")
    assert outcome_names(recording) == {"timeout"}
    with Service(noting([])) as service:
        _, recording = carry_out(task_of(url_of(service), request_timeout=None), tmp_path / "none")
    assert outcome_names(recording) == {"ok"}


def test_no_key_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes to the service, and into no file of the recording, though the service repeats it."""
    monkeypatch.setenv("FB_TEST_KEY", "sk-0123456789")
    seen: list[bytes] = []
    words = document(b'{"error":"wrong key sk-0123456789"}', status="401 Unauthorized")
    with Service(noting(seen, lambda _: words)) as service:
        carry_out(task_of(url_of(service), api_key="env:FB_TEST_KEY"), tmp_path)
    assert all(b"Authorization: Bearer sk-0123456789" in request for request in seen)
    for path in (tmp_path / "recording").iterdir():
        assert b"sk-0123456789" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
