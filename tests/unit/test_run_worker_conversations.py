"""Conversations: each turn after the reply before it, none after a failure, every one accounted for."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from driving import MS
from engines import SHAPE, in_loop, target_of
from replies import DONE, delta, document, stream
from serving import Service, each_request

from fastbench._core.ring import OUTCOMES, ROW_DTYPE, Batch
from fastbench.client.engine import Engine
from fastbench.datasets import Sample, Turn
from fastbench.plan.planned import RequestWriter, planned_requests
from fastbench.plan.reactor import ReactorOptions
from fastbench.plan.shapes.slots import at_once
from fastbench.run.stop import Stop
from fastbench.run.worker.conversations import Conversations
from fastbench.run.worker.phase import Phase, PhasePlan

NO_END_NS = 2**62


class Talks:
    """A service that answers turn by turn, and keeps what it was asked."""

    def __init__(self, fail_on: str = "", wait_s: float = 0.0) -> None:
        self.asked: list[list[dict[str, str]]] = []
        self._fail_on = fail_on
        self._wait_s = wait_s
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            messages = json.loads(request.partition(b"\r\n\r\n")[2])["messages"]
            with self._lock:
                self.asked.append(messages)
            time.sleep(self._wait_s)
            said = messages[-1]["content"]
            if said == self._fail_on:
                connection.sendall(document(b"no", "text/plain", status="500 No"))
            else:
                connection.sendall(stream(delta("re"), delta(f": {said}", "stop"), DONE))


def encode(sample: Sample, request_id: str) -> bytes:
    body = json.dumps({"messages": sample.prompt, "id": request_id}).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def talk(index: int, *turns: str, history: list[dict[str, Any]] | None = None, answered: bool = False) -> Sample:
    """A conversation; answered: the data set's answers are its questions in capitals."""
    said = tuple(Turn(text, text.upper() if answered else None, output_len=len(text)) for text in turns)
    return Sample(index=index, prompt=history or [], turns=said)


def hold(
    talks: Talks,
    samples: list[Sample],
    *,
    think_ns: int = 0,
    stop_after_s: float | None = None,
    duration_ns: int | None = None,
    shape: ReactorOptions = SHAPE,
) -> np.ndarray:
    """Holds the conversations; the final rows, by request."""
    batches: list[Batch] = []
    stop = Stop()

    async def run() -> None:
        writer = RequestWriter(encode, run_id="r", default_output=9)
        conversations = Conversations(writer, think_ns=think_ns)
        phase = Phase(
            lambda shape, sink: Engine(target_of(service.address), shape, sink),
            stream=True,
            stop=stop,
            observer=lambda _: None,
        )
        if stop_after_s is not None:
            threading.Timer(stop_after_s, stop).start()
        wanted = PhasePlan(
            name="measure",
            requests=planned_requests(numbered(samples), writer, conversations),
            options=shape._replace(stop_offset_ns=NO_END_NS if duration_ns is None else duration_ns),
            total=None,
            duration_ns=duration_ns,
            drain_ns=None,
            keep_text=True,
            conversations=conversations,
            on_batch=batches.append,
        )
        await phase.run(wanted)

    with Service(talks) as service:
        in_loop(run)
    rows = np.concatenate([np.empty(0, ROW_DTYPE), *(batch.rows for batch in batches)])
    return rows[np.argsort(rows["request"])]


def numbered(samples: list[Sample]) -> Iterator[tuple[int, Sample, int]]:
    """Samples with the number of their first request, as many turns apart as each has."""
    number = 0
    for sample in samples:
        yield number, sample, 0
        number += len(sample.turns)


def outcomes(rows: np.ndarray) -> list[str]:
    return [OUTCOMES[code] for code in rows["outcome"]]


def said(*texts: str) -> list[dict[str, str]]:
    """Messages of user and assistant in turn."""
    roles = ("user", "assistant")
    return [{"role": roles[k % 2], "content": text} for k, text in enumerate(texts)]


@pytest.mark.parametrize(("answered", "answer"), [(False, "re: a"), (True, "A")])
def test_each_turn_has_the_history_before_it(answered: bool, answer: str) -> None:
    """A turn is asked with what was said before: the data set's answers where it has them, else the service's."""
    talks = Talks()
    system = {"role": "system", "content": "be brief"}
    rows = hold(talks, [talk(0, "a", "bb", history=[system], answered=answered)])
    assert talks.asked == [[system, *said("a")], [system, *said("a", answer, "bb")]]
    assert outcomes(rows) == ["ok", "ok"]
    assert rows["session"].tolist() == [1, 1]
    assert rows["turn"].tolist() == [0, 1]
    assert rows["planned_output"].tolist() == [1, 2]


def test_turns_of_others_keep_their_places() -> None:
    """What the system or a tool says in between goes out where the set has it, under its role."""
    talks = Talks()
    note, result = {"role": "system", "content": "s"}, {"role": "tool", "content": "t"}
    turns = (Turn("a", None), Turn("t", None, role="tool", before=(note,)), Turn("c", None))
    hold(talks, [Sample(index=0, prompt=[], turns=turns)])
    first, second = ({"role": "assistant", "content": f"re: {text}"} for text in "at")
    asked = {"role": "user", "content": "a"}
    history = [asked, first, note, result, second, {"role": "user", "content": "c"}]
    assert talks.asked == [history[:1], history[:4], history]


def test_turns_go_one_after_the_other() -> None:
    """A turn is intended at the end of the reply before it, and is never sent before that."""
    rows = hold(Talks(wait_s=0.01), [talk(0, "a", "b", "c")])
    assert np.array_equal(rows["intended_ns"][1:], rows["end_ns"][:-1])
    assert np.all(rows["sent_ns"] >= rows["intended_ns"])


def test_think_time() -> None:
    """With a think time the next turn is intended so long after the reply's end."""
    rows = hold(Talks(), [talk(0, "a", "b", "c")], think_ns=40 * MS)
    assert np.array_equal(rows["intended_ns"][1:], rows["end_ns"][:-1] + 40 * MS)
    assert np.all(rows["sent_ns"] >= rows["intended_ns"])


def test_many_conversations_keep_to_the_slots() -> None:
    """No more conversations go on at once than there are slots, and each has all of its turns in order."""
    talks = Talks(wait_s=0.002)
    rows = hold(talks, [talk(number, *"abcd"[: 1 + number % 4]) for number in range(40)])
    assert set(outcomes(rows)) == {"ok"}
    assert rows["request"].tolist() == list(range(100))
    begun = {s: rows["sent_ns"][rows["session"] == s].min() for s in range(1, 41) if (rows["session"] == s).any()}
    ended = {s: rows["end_ns"][rows["session"] == s].max() for s in begun}
    for moment in begun.values():
        assert sum(begun[s] <= moment < ended[s] for s in begun) <= 2
    for session in begun:
        turns = rows["turn"][rows["session"] == session]
        assert turns.tolist() == list(range(len(turns)))


def test_a_failed_turn_ends_its_conversation() -> None:
    """Turns behind a failed one are counted as cancelled without being sent; other conversations go on."""
    talks = Talks(fail_on="b")
    rows = hold(talks, [talk(0, "a", "b", "c", "d"), talk(1, "e", "f")])
    assert outcomes(rows) == ["ok", "http_error", "cancelled", "cancelled", "ok", "ok"]
    assert rows["turn"].tolist() == [0, 1, 2, 3, 0, 1]
    assert rows["sample"].tolist() == [0, 0, 0, 0, 1, 1]
    assert rows["sent_ns"][2:4].tolist() == [0, 0]
    assert Counter(messages[-1]["content"] for messages in talks.asked) == Counter("abef")


def test_stopping_counts_the_turns_that_were_not_sent() -> None:
    """When the user stops the run each turn of each conversation that began has one outcome all the same."""
    samples = [talk(number, *"abcdef") for number in range(4)]
    rows = hold(Talks(wait_s=0.1), samples, stop_after_s=0.25)
    begun = rows[np.isin(rows["session"], rows["session"][rows["outcome"] == OUTCOMES.index("ok")])]
    assert sorted(rows["request"]) == rows["request"].tolist()
    assert set(outcomes(rows)) == {"ok", "cancelled"}
    for session in set(begun["session"].tolist()):
        assert begun["turn"][begun["session"] == session].tolist() == list(range(6))


def test_the_end_of_time_ends_conversations() -> None:
    """When the time is over no further turn is sent, and none is counted that was not."""
    samples = [talk(number, *"abcdefghij") for number in range(50)]
    rows = hold(Talks(wait_s=0.03), samples, duration_ns=200 * MS)
    assert set(outcomes(rows)) == {"ok"}
    assert 2 <= len(rows) <= 20


def test_conversations_of_an_open_loop() -> None:
    """In an open loop conversations begin at their times, and the limit is one of conversations."""

    def samples() -> Iterator[Sample]:
        return (talk(number, "a", "b") for number in range(6))

    rows = hold(Talks(wait_s=0.02), list(samples()), shape=SHAPE._replace(openings=None, closings=at_once(0).closings))
    assert outcomes(rows) == ["ok"] * 12
    begun = [rows[rows["session"] == session]["sent_ns"].min() for session in range(1, 7)]
    ended = [rows[rows["session"] == session]["end_ns"].max() for session in range(1, 7)]
    assert all(sum(b <= moment < e for b, e in zip(begun, ended, strict=True)) <= 2 for moment in begun)
