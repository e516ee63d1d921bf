"""Each decision of the dispatcher, by a clock that the test holds: what is sent when, what ends how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from driving import OK, has, split
from replies import DONE, Result, chunk, delta, head

from fastbench._core.dispatch.trial import LIVES, NEVER, DispatcherTrial
from fastbench._core.wire import OutputSpec
from fastbench.dialects.apis.openai import CHAT_RULES

MS = 1_000_000
S = 1_000_000_000
T0 = 1_000 * S
"""When the run starts."""
SPEC = OutputSpec(CHAT_RULES)
OPEN = head("text/event-stream", "Transfer-Encoding: chunked")
PLAN: dict[str, Any] = {"limit": 1, "spare": 0, "request_timeout_ns": 10 * S, "total_timeout_ns": 60 * S}


class Trial(DispatcherTrial):
    """A dispatcher whose run has started, and the results that it gave."""

    def __init__(self, **plan: Any) -> None:
        self.results: list[Result] = []
        self.start_at(T0)

    def __new__(cls, **plan: Any) -> Trial:
        plan = PLAN | plan
        plan.setdefault("openings", list(range(plan["limit"])))
        return super().__new__(cls, SPEC, **plan)

    def send(self, now: int, **connection: Any) -> int:
        """Sends what is due on a connection."""
        request = self.send_due(now)
        assert request is not None
        self.put_on_connection(request, now, **connection)
        return request

    def answer(self, request: int, now: int) -> None:
        """Its whole reply arrives."""
        assert self.read(request, OK, now)
        self.end(request, now)

    def ended(self) -> list[Result]:
        """The results so far, in their order."""
        batch = self.take_ended()
        if batch is not None:
            self.results += split(batch)
        return self.results

    def outcomes(self) -> list[tuple[int, str]]:
        return [(int(one.row["request"]), one.outcome) for one in self.ended()]

    def count(self, name: str) -> int:
        return int(self.counts()[name])


def open_loop(**plan: Any) -> Trial:
    return Trial(openings=None, **plan)


# Sends.


def test_nothing_is_due_before_the_start_is_known() -> None:
    """Requests that are ready wait for the moment of the start, in either loop."""
    for openings in ([0], None):
        trial = Trial(openings=openings)
        trial.start_at(NEVER)
        trial.submit_at(T0 - S, 0)
        assert trial.due(T0) == NEVER
        trial.start_at(T0)
        assert trial.due(T0) == T0


def test_nothing_is_due_without_a_request() -> None:
    """A free slot without a request is due never."""
    assert Trial().due(T0 + S) == NEVER
    assert open_loop().due(T0 + S) == NEVER


def test_a_closed_loop_sends_when_slots_open() -> None:
    """Each slot's first request is due at its opening, and intended then, however late it is sent."""
    trial = Trial(limit=3, openings=[0, 5, 70])
    for request in range(4):
        trial.submit_at(T0 - S, request)
    dues = []
    for _ in range(3):
        dues.append(trial.due(T0 + 10) - T0)
        trial.send(T0 + 100)
    assert dues == [0, 5, 70]
    assert trial.due(T0 + 100) == NEVER, "all slots are taken"
    for request in range(3):
        trial.answer(request, T0 + 200)
    assert [one.row["intended_ns"] - T0 for one in trial.ended()] == [0, 5, 70]
    assert {int(one.row["tried_ns"]) - T0 for one in trial.results} == {100}


def test_a_slot_is_due_from_the_end_of_its_reply_on() -> None:
    """Slots are used in the order in which they became free, whatever the order in which that was noticed."""
    trial = Trial(limit=2)
    for request in range(4):
        trial.submit_at(T0 - S, request)
    trial.send(T0 + 10)
    trial.send(T0 + 10)
    trial.answer(1, T0 + 300)
    trial.answer(0, T0 + 200)
    assert trial.due(T0 + 900) == T0 + 200
    trial.send(T0 + 900)
    assert trial.due(T0 + 900) == T0 + 300


def test_a_slot_that_closes_is_not_used_again() -> None:
    """From its closing on a slot that becomes free is gone; one that is free at that moment too."""
    trial = Trial(limit=2, openings=[0, 0], closings=[100, 500])
    for request in range(4):
        trial.submit_at(T0 - S, request)
    trial.send(T0)
    trial.send(T0)
    trial.answer(0, T0 + 200)
    assert trial.due(T0 + 200) == NEVER
    trial.answer(1, T0 + 300)
    assert trial.due(T0 + 300) == T0 + 300
    assert trial.due(T0 + 500) == NEVER


def test_nothing_begins_from_the_stop_on() -> None:
    """A slot that opens at the stop or after it, and one that was free before it, begins nothing then."""
    trial = Trial(limit=2, openings=[0, 100], stop_offset_ns=100)
    trial.submit_at(T0 - S, 0)
    trial.submit_at(T0 - S, 1)
    assert trial.due(T0 + 100) == NEVER
    trial.send(T0 + 99)
    assert trial.due(T0 + 99) == NEVER


def test_an_open_loop_sends_at_offsets() -> None:
    """Requests are due at the start plus their offsets, in the order of their submission."""
    trial = open_loop(limit=9)
    for request, offset in enumerate((0, 7, 7, 90)):
        trial.submit_at(T0 - S, request, offset_ns=offset)
    assert [trial.due(T0) - T0, trial.send(T0)] == [0, 0]
    with pytest.raises(ValueError, match="nothing is due before"):
        trial.send_due(T0 + 6)
    assert [trial.send(T0 + 100) for _ in range(3)] == [1, 2, 3]


def test_the_limit_of_an_open_loop_lets_wait() -> None:
    """At the limit nothing is due; what goes out once there is room keeps its intended time."""
    trial = open_loop(limit=1)
    trial.submit_at(T0 - S, 0)
    trial.submit_at(T0 - S, 1, offset_ns=10)
    trial.send(T0)
    assert trial.due(T0 + 20) == NEVER
    trial.answer(0, T0 + 30)
    assert trial.due(T0 + 30) == T0 + 10
    trial.send(T0 + 31)
    trial.answer(1, T0 + 40)
    assert trial.ended()[1].row["intended_ns"] == T0 + 10


def test_the_limit_of_an_open_loop_drops() -> None:
    """With `drop_when_full` what finds the limit reached when it is due ends as dropped, without having been sent."""
    trial = open_loop(limit=1, drop_when_full=True)
    trial.submit_at(T0 - S, 0)
    trial.submit_at(T0 - S, 1, offset_ns=10)
    trial.submit_at(T0 - S, 2, offset_ns=10, more=True)
    trial.send(T0)
    assert trial.due(T0 + 10) == T0 + 10
    assert [trial.send_due(T0 + 10), trial.send_due(T0 + 10)] == [None, None]
    assert trial.outcomes() == [(1, "dropped"), (2, "dropped")]
    assert {one.note for one in trial.ended()} == {b"no slot was free when it was due"}
    assert (trial.count("occupied"), trial.count("unsent")) == (2, 0), "the conversation is to be settled"
    assert trial.results[0].row["sent_ns"] == trial.results[0].row["tried_ns"] == 0


@pytest.mark.parametrize(("submitted", "starved"), [(T0, False), (T0 + 1, True)])
@pytest.mark.parametrize("closed_loop", [True, False])
def test_a_request_that_was_not_ready_when_it_was_due(submitted: int, starved: bool, closed_loop: bool) -> None:
    """A request is starved where it came after the moment at which it was due, and not where it came then."""
    trial = Trial() if closed_loop else open_loop()
    trial.submit_at(submitted, 0)
    trial.answer(trial.send(T0 + 2), T0 + 3)
    assert has(trial.ended()[0], "starved") == starved
    assert trial.count("starved") == starved


@pytest.mark.parametrize(("submitted", "starved"), [(50, False), (51, True)])
def test_what_the_limit_held_up_is_not_starved(submitted: int, starved: bool) -> None:
    """In an open loop a request counts as late only from the moment on at which there was room for it."""
    trial = open_loop(limit=1)
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.answer(0, T0 + 50)
    trial.submit_at(T0 + submitted, 1, offset_ns=10)
    trial.answer(trial.send(T0 + 60), T0 + 70)
    assert has(trial.ended()[1], "starved") == starved


# Conversations.


def test_a_turn_that_follows_goes_out_at_its_moment() -> None:
    """A conversation keeps its slot: its next turn is due though all slots are taken, before what is ready as early."""
    trial = Trial(limit=1)
    trial.submit_at(T0 - S, 0, more=True)
    trial.submit_at(T0 - S, 1)
    trial.answer(trial.send(T0), T0 + 10)
    assert trial.due(T0 + 10) == NEVER
    trial.submit_at(T0 + 12, 2, due_ns=T0 + 30)
    assert trial.due(T0 + 12) == T0 + 30
    assert trial.send(T0 + 35) == 2
    trial.answer(2, T0 + 40)
    assert trial.due(T0 + 41) == T0 + 40, "its slot is free with its last turn"
    last = trial.ended()[1]
    assert (last.row["intended_ns"], has(last, "starved")) == (T0 + 30, False)


def test_turns_go_out_by_their_moments() -> None:
    """Turns submitted in any order are due in that of their moments."""
    trial = Trial(limit=40)
    delays = np.random.default_rng(1).permutation(40)
    for request in range(40):
        trial.submit_at(T0 - S, request, more=True)
        trial.answer(trial.send(T0 + 40), T0 + 41)
    for request, delay in enumerate(delays):
        trial.submit_at(T0 + 50, 100 + request, due_ns=T0 + 100 + int(delay))
    assert [trial.send(T0 + 200) - 100 for _ in range(40)] == np.argsort(delays).tolist()


def test_a_conversation_that_ends_early_frees_its_slot() -> None:
    """The word that a conversation has ended gives its slot to the next from that moment on."""
    trial = Trial()
    trial.submit_at(T0 - S, 0, more=True)
    trial.submit_at(T0 - S, 1)
    trial.answer(trial.send(T0), T0 + 10)
    trial.close_input()
    assert (trial.count("occupied"), trial.is_over()) == (1, False)
    trial.release_at(T0 + 77)
    assert trial.due(T0 + 80) == T0 + 77


def test_a_skipped_request_ends_unsent() -> None:
    """What is skipped ends as cancelled at once and takes no slot."""
    trial = Trial()
    trial.submit_at(T0, 5, skip=True)
    (result,) = trial.ended()
    assert (result.outcome, result.note) == ("cancelled", b"its conversation had ended")
    assert (trial.count("occupied"), trial.count("unsent"), trial.count("launched")) == (0, 1, 1)


# Connections.


def test_who_waits_longest_gets_the_connection() -> None:
    """Requests without a connection get those that are opened in their own order; then nobody wants one."""
    trial = open_loop(limit=3)
    for request in range(3):
        trial.submit_at(T0 - S, request)
        trial.let_wait(trial.send_due(T0) or 0)
    assert trial.count("waiting") == 3
    assert [trial.opened() for _ in range(4)] == [0, 1, 2, None]


@pytest.mark.parametrize(("spare", "wanted"), [(0, 2), (1, 3), (8, 4)])
def test_connections_are_wanted_ahead_of_sends(spare: int, wanted: int) -> None:
    """As many as are in flight and some more, up to the limit; none ahead once nothing is left to send."""
    trial = open_loop(limit=4, spare=spare)
    for request in range(3):
        trial.submit_at(T0 - S, request, offset_ns=request)
    trial.send(T0 + 1)
    trial.send(T0 + 1)
    assert trial.wanted() == wanted
    trial.close_input()
    assert trial.wanted() == wanted, "one is still ready"
    trial.send(T0 + 2)
    assert trial.wanted() == 0


def test_a_refused_connection_is_one_requests_answer() -> None:
    """Who has waited longest is refused, with the reason, unless enough other connections are being opened."""
    trial = open_loop(limit=2)
    for request in range(2):
        trial.submit_at(T0 - S, request)
        trial.let_wait(trial.send_due(T0) or 0)
    trial.refuse_connection(2, b"connection refused", T0 + 5)
    assert trial.outcomes() == []
    trial.refuse_connection(1, b"connection refused", T0 + 6)
    assert trial.outcomes() == [(0, "refused")]
    assert (trial.results[0].note, trial.results[0].row["end_ns"]) == (b"connection refused", T0 + 6)
    trial.refuse_connection(0, b"connection refused", T0 + 7)
    assert trial.outcomes() == [(0, "refused"), (1, "refused")]
    trial.refuse_connection(0, b"connection refused", T0 + 8)
    assert trial.count("ended") == 2


@pytest.mark.parametrize(("opened", "connect"), [(T0 - 1, 0), (T0, 30)])
def test_the_time_for_connecting_is_the_requests_own(opened: int, connect: int) -> None:
    """Only a connection that was opened for the request, not ahead of it, counts as its time for connecting."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.send_due(T0)
    trial.put_on_connection(0, T0 + 30, opened_ns=opened)
    trial.answer(0, T0 + 40)
    assert trial.ended()[0].row["connect_ns"] == connect


# Attempts.


def test_an_idle_connection_that_closed_as_we_sent_is_no_attempt() -> None:
    """The request is sent again at once, flagged, as often as it takes; that is no retry."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    for k in range(1, 4):
        trial.lose_connection(0, T0 + k, served=True)
        assert trial.send_again(T0 + k) == 0
        trial.put_on_connection(0, T0 + k)
    trial.answer(0, T0 + 50)
    (result,) = trial.ended()
    assert (result.outcome, result.row["attempt"], has(result, "resent")) == ("ok", 0, True)
    assert (trial.count("resent"), trial.count("retries"), trial.count("sent")) == (3, 0, 1)
    assert result.row["sent_ns"] == T0


LOST = [(False, 1, b""), (True, 100 * MS, b""), (True, 1, b"HTTP/1.1 200")]


@pytest.mark.parametrize(("served", "after", "data"), LOST, ids=["new", "late", "answered"])
def test_a_lost_connection_is_a_failure(served: bool, after: int, data: bytes) -> None:
    """A new connection, one lost 100 ms after the send and one that had answered did not close as we sent."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    if data:
        trial.read(0, data, T0 + 1)
    trial.lose_connection(0, T0 + after, served=served)
    assert trial.send_again(T0 + after) is None
    assert trial.outcomes() == [(0, "truncated")]
    assert trial.due(T0 + S) == NEVER
    assert trial.count("resent") == 0


def test_what_is_answering() -> None:
    """In flight and answering is what some output has come of, once however much comes, until it ends in any way."""
    trial = Trial(limit=3)
    for request in range(3):
        trial.submit_at(T0 - S, request)
        trial.send(T0 + request)
    assert trial.count("answering") == 0
    for request in (0, 1):
        trial.read(request, OPEN, T0 + 3)
        assert trial.count("answering") == request, "a head is no output"
        trial.read(request, chunk(delta("a")), T0 + 3)
        trial.read(request, chunk(delta("b")), T0 + 3)
        assert trial.count("answering") == request + 1
    trial.read(0, chunk(delta("c", "stop")) + chunk(DONE) + b"0\r\n\r\n", T0 + 4)
    trial.end(0, T0 + 4)
    assert trial.count("answering") == 1
    trial.lose_connection(1, T0 + 4)
    trial.answer(2, T0 + 4)
    assert (trial.count("answering"), trial.count("in_flight")) == (0, 0)


def test_a_connection_that_ends_while_encrypting_excuses_once() -> None:
    """Over TLS a new connection that ends before the request was sent is no attempt, the second one is."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.send(T0, sent=False)
    trial.lose_connection(0, T0 + S)
    assert trial.send_again(T0 + S) == 0
    trial.put_on_connection(0, T0 + S, sent=False)
    trial.lose_connection(0, T0 + 2 * S)
    assert trial.outcomes() == [(0, "truncated")]
    assert trial.count("sent") == 0


def test_attempts_follow_each_other() -> None:
    """Each failed attempt is recorded as superseded; the next follows after a pause that doubles, a quarter less."""
    trial = Trial(retry=3)
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    now, pauses = T0, []
    for _ in range(3):
        lost = now = now + MS
        trial.lose_connection(0, now, how="reset")
        assert trial.count("in_flight") == 1
        while trial.send_again(now) is None:
            now += MS
        pauses.append((now - lost) // MS)
        trial.put_on_connection(0, now)
    trial.lose_connection(0, now + MS, how="reset")
    assert trial.outcomes() == [(0, "reset")] * 4
    assert [has(one, "superseded") for one in trial.ended()] == [True, True, True, False]
    assert [int(one.row["attempt"]) for one in trial.results] == [0, 1, 2, 3]
    assert {int(one.row["intended_ns"]) for one in trial.results} == {T0}
    assert trial.results[3].row["sent_ns"] == T0 == trial.results[0].row["sent_ns"] < trial.results[1].row["sent_ns"]
    assert all(0.75 * mean <= pause <= 1.25 * mean + 1 for pause, mean in zip(pauses, (50, 100, 200), strict=True))
    assert (trial.count("retries"), trial.count("ended")) == (3, 1)


def test_a_refused_connection_is_tried_again() -> None:
    """A request that was refused while it waited pauses, and has the refusal as its superseded attempt's note."""
    trial = Trial(retry=1)
    trial.submit_at(T0 - S, 0)
    trial.let_wait(trial.send_due(T0) or 0)
    trial.refuse_connection(0, b"connection refused", T0 + 1)
    assert [(one.outcome, one.note) for one in trial.ended()] == [("refused", b"connection refused")]
    assert trial.send_again(T0 + S) == 0
    trial.put_on_connection(0, T0 + S)
    trial.answer(0, T0 + S + 1)
    assert trial.outcomes()[1] == (0, "ok")
    assert (trial.results[1].row["attempt"], trial.results[1].note) == (1, b"")


def test_after_a_byte_of_the_response_nothing_is_sent_again() -> None:
    """However many attempts are allowed, a response that began is the last one."""
    trial = Trial(retry=9)
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.read(0, OPEN + chunk(delta("a")), T0 + 1)
    trial.lose_connection(0, T0 + 2, how="reset", served=True)
    assert trial.outcomes() == [(0, "reset")]
    assert trial.count("retries") == 0


# Time limits.


def test_an_attempt_has_its_time_from_its_first_byte_on() -> None:
    """A request without a connection has the whole request's time alone; an attempt ends when its own is over."""
    trial = Trial(request_timeout_ns=100)
    trial.submit_at(T0 - S, 0)
    trial.let_wait(trial.send_due(T0) or 0)
    trial.expire(T0 + S)
    assert trial.outcomes() == []
    assert trial.opened() == 0
    trial.put_on_connection(0, T0 + S)
    trial.expire(T0 + S + 99)
    assert trial.outcomes() == []
    trial.expire(T0 + S + 100)
    assert [(one.outcome, one.note) for one in trial.ended()] == [("timeout", b"no complete response in time")]
    assert trial.due(T0 + 2 * S) == NEVER
    assert trial.count("in_flight") == 0


WHERE = ["waiting", "pausing", "resending", "on a connection"]


@pytest.mark.parametrize("where", WHERE)
def test_a_request_has_its_time_wherever_it_is(where: str) -> None:
    """When a request's whole time is over it ends, and what came for it later finds nobody."""
    trial = Trial(retry=5, retry_pause_ns=600 * S, request_timeout_ns=1000 * S)
    trial.submit_at(T0 - S, 0)
    put(trial, 0, where)
    trial.expire(T0 + 10 + 60 * S - 1)
    assert not [one for one in trial.ended() if not has(one, "superseded")]
    trial.expire(T0 + 10 + 60 * S)
    last = trial.ended()[-1]
    assert (last.outcome, last.note) == ("timeout", b"no complete response in time, over all attempts")
    assert [trial.opened(), trial.send_again(T0 + 2000 * S)] == [None, None]
    assert (trial.count("in_flight"), trial.count("occupied"), trial.count("waiting")) == (0, 0, 0)


def put(trial: Trial, request: int, where: str) -> None:
    """Brings the next request that is due to one of the places where it may be."""
    assert trial.send_due(T0 + 10) == request
    if where == "waiting":
        trial.let_wait(request)
        return
    trial.put_on_connection(request, T0 + 10)
    if where in ("pausing", "resending"):
        trial.lose_connection(request, T0 + 11, served=where == "resending")


def test_a_reply_that_is_complete_ends_a_second_later() -> None:
    """A message left open behind `[DONE]` ends as ok at the moment of `[DONE]`, its slot is free a second later."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.submit_at(T0 - S, 1)
    trial.send(T0)
    trial.read(0, OPEN + chunk(delta("a")) + chunk(delta(None, "stop")) + chunk(DONE), T0 + 50)
    trial.expire(T0 + 50 + S - 1)
    assert trial.outcomes() == []
    trial.expire(T0 + 50 + S)
    (result,) = trial.ended()
    assert (result.outcome, has(result, "left_open"), result.row["end_ns"]) == ("ok", True, T0 + 50)
    assert trial.due(T0 + 2 * S) == T0 + 50 + S


def test_a_reply_that_went_on_is_not_complete() -> None:
    """Output behind `[DONE]` takes it back: the request goes on to its own end."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.read(0, OPEN + chunk(delta("a")) + chunk(DONE), T0 + 50)
    trial.read(0, chunk(delta("b")), T0 + 60)
    trial.expire(T0 + 2 * S)
    assert trial.outcomes() == []
    trial.read(0, chunk(delta(None, "stop")) + chunk(DONE), T0 + 2 * S)
    trial.expire(T0 + 3 * S)
    assert trial.outcomes() == [(0, "ok")]


def test_a_complete_reply_is_no_timeout() -> None:
    """A request whose time is over while only its message is open is ok, with the flag that says so."""
    trial = Trial(request_timeout_ns=100)
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.read(0, OPEN + chunk(delta("a", "stop")) + chunk(DONE), T0 + 50)
    trial.expire(T0 + 100)
    assert trial.outcomes() == [(0, "ok")]
    assert has(trial.results[0], "left_open")


# The end.


def populated(**plan: Any) -> Trial:
    """One request in each place: 0 to 3 in flight (`WHERE`), 4 between its turns, 5 to follow, 6 ready."""
    trial = Trial(limit=5, retry=5, retry_pause_ns=600 * S, **plan)
    for request in range(4):
        trial.submit_at(T0 - S, request)
        put(trial, request, WHERE[request])
    trial.submit_at(T0 - S, 4, more=True)
    trial.answer(trial.send(T0 + 10), T0 + 20)
    trial.submit_at(T0 + 21, 5, due_ns=T0 + 500 * S)
    trial.submit_at(T0 - S, 6)
    assert trial.outcomes() == [(1, "truncated"), (4, "ok")]
    trial.results.clear()
    return trial


UNSENT, NOT_AGAIN, BY_USER = (
    b"the run ended before it was sent",
    b"the run ended before it was sent again",
    b"cancelled by the user",
)


@pytest.mark.parametrize(
    ("life", "ended"),
    [
        ("running", {}),
        ("withdrawing", {1: NOT_AGAIN}),
        ("draining", {1: NOT_AGAIN, 5: UNSENT, 6: UNSENT}),
        ("aborting", {0: BY_USER, 1: BY_USER, 2: BY_USER, 3: BY_USER, 5: UNSENT, 6: UNSENT}),
        ("abandoned", {0: BY_USER, 1: BY_USER, 2: BY_USER, 3: BY_USER, 5: UNSENT, 6: UNSENT}),
    ],
)
def test_what_each_stage_ends(life: Any, ended: dict[int, bytes]) -> None:
    """Withdrawing ends what pauses and forgets what is unsent, draining cancels that, aborting ends all."""
    trial = populated()
    trial.enter(life, T0 + S)
    trial.end_with_run(T0 + S)
    assert {int(one.row["request"]): one.note for one in trial.ended()} == ended
    assert {one.outcome for one in trial.results} <= {"cancelled"}
    assert trial.count("withdrawn") == (2 if life == "withdrawing" else 0)
    assert trial.count("in_flight") == 4 - sum(request < 4 for request in ended)
    unsent = {"running": 0, "withdrawing": 0}.get(life, 2)
    assert trial.count("unsent") == unsent


@pytest.mark.parametrize("life", ["draining", "aborting"])
def test_what_was_withdrawn_stays_forgotten(life: Any) -> None:
    """A later stage cancels nothing of what was withdrawn, not even a request that came after that."""
    trial = populated()
    trial.enter("withdrawing", T0 + S)
    trial.submit_at(T0 + S, 7)
    trial.enter(life, T0 + S)
    trial.end_with_run(T0 + S)
    assert trial.count("withdrawn") == 3
    assert not {5, 6, 7} & {request for request, _ in trial.outcomes()}


def test_what_is_aborted_when_its_time_is_over_says_so() -> None:
    """Where not the user aborts but the time to drain was over, the note of each request in flight is that."""
    trial = populated()
    trial.enter("draining", T0 + S)
    trial.enter("aborting", T0 + 2 * S, out_of_time=True)
    trial.end_with_run(T0 + 2 * S)
    notes = {int(one.row["request"]): one.note for one in trial.ended()}
    assert {notes[request] for request in (0, 2, 3)} == {b"in flight when the time to drain was over"}
    assert notes[5] == UNSENT


def test_an_abort_keeps_replies_that_are_complete() -> None:
    """A reply whose message alone is open when all is aborted is ok."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.read(0, OPEN + chunk(delta("a", "stop")) + chunk(DONE), T0 + 50)
    trial.enter("aborting", T0 + 60)
    trial.end_with_run(T0 + 60)
    assert trial.outcomes() == [(0, "ok")]


@pytest.mark.parametrize(
    ("life", "resent", "outcome"),
    [("withdrawing", 1, None), ("draining", 1, None), ("aborting", 0, "truncated")],
)
def test_lost_connections_at_the_end(life: Any, resent: int, outcome: str | None) -> None:
    """Until an abort a connection that closed as we sent still costs nothing; then it ends its request."""
    trial = Trial(retry=3)
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.enter(life, T0)
    trial.lose_connection(0, T0 + 1, served=True)
    assert trial.count("resent") == resent
    assert [one for _, one in trial.outcomes()] == ([outcome] if outcome else [])


@pytest.mark.parametrize("life", LIVES[1:])
def test_nothing_is_tried_again_once_the_run_ends(life: Any) -> None:
    """A failed attempt is the last one from the first stage of the end on."""
    trial = Trial(retry=3)
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.enter(life, T0)
    trial.lose_connection(0, T0 + S, how="reset")
    assert trial.outcomes() == [(0, "reset")]


@pytest.mark.parametrize(("life", "due"), [("withdrawing", T0 + 10), ("draining", NEVER)])
def test_slots_go_on_until_the_run_drains(life: Any, due: int) -> None:
    """While unsent requests are withdrawn a slot is still given back; a run that drains needs none."""
    trial = Trial()
    trial.submit_at(T0 - S, 0)
    trial.send(T0)
    trial.enter(life, T0)
    trial.answer(0, T0 + 10)
    trial.submit_at(T0 + 11, 1)
    assert trial.due(T0 + 12) == due


def test_when_a_run_is_over() -> None:
    """With its input closed, nothing on the way, ready, in flight or between two turns; or abandoned."""
    trial = Trial(limit=2)
    assert not trial.is_over(), "more may be submitted"
    trial.submit_at(T0 - S, 0)
    trial.submit_at(T0 - S, 1, more=True)
    trial.close_input()
    assert not trial.is_over(), "requests are ready"
    trial.send(T0 + 1)
    trial.send(T0 + 1)
    assert not trial.is_over(), "they are in flight"
    trial.answer(0, T0 + 2)
    trial.answer(1, T0 + 2)
    assert not trial.is_over(), "a conversation is between its turns"
    trial.enter("aborting", T0 + 3)
    assert not trial.is_over(), "its end is still to be told"
    trial.enter("abandoned", T0 + 3)
    assert not trial.is_over(more_submitted=True)
    assert trial.is_over()


def test_every_request_has_one_outcome_and_all_room_is_given_back() -> None:
    """Over a long run of chance events each request ends once, and nothing stays in flight, occupied or waiting."""
    rng = np.random.default_rng(7)
    trial = Trial(limit=8, retry=2, retry_pause_ns=5 * MS, request_timeout_ns=40 * MS, total_timeout_ns=90 * MS)
    now, submitted, on_connection = T0, 0, set()
    for _ in range(4000):
        now += int(rng.integers(0, 2 * MS))
        if submitted < 600:
            trial.submit_at(now, submitted)
            submitted += 1
        while trial.due(now) <= now:
            trial.let_wait(trial.send_due(now) or 0)
        while (again := trial.send_again(now)) is not None:
            trial.let_wait(again)
        if rng.random() < 0.7 and (request := trial.opened()) is not None:
            trial.put_on_connection(request, now)
            on_connection.add(request)
        elif rng.random() < 0.2:
            trial.refuse_connection(0, b"no", now)
        if on_connection and rng.random() < 0.5:
            request = on_connection.pop()
            if rng.random() < 0.5:
                trial.answer(request, now)
            else:
                trial.lose_connection(request, now, served=bool(rng.random() < 0.5))
        before = trial.counts()["in_flight"]
        trial.expire(now)
        if trial.counts()["in_flight"] != before:
            on_connection &= set(trial.on_connections())
    trial.close_input()
    trial.enter("aborting", now)
    trial.end_with_run(now)
    final = [int(one.row["request"]) for one in trial.ended() if not has(one, "superseded")]
    assert sorted(final) == list(range(submitted))
    assert {one.outcome for one in trial.results} >= {"ok", "truncated", "refused", "timeout"}
    assert [trial.count(name) for name in ("in_flight", "answering", "occupied", "waiting")] == [0, 0, 0, 0]
    assert (trial.is_over(), trial.count("launched"), trial.count("bytes")) == (True, submitted, 7 * submitted)
