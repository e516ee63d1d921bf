"""The answer: what a person wants to know first, of recordings of all kinds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import MS, Request, header_of, record

from fastbench.metrics import ArraySamples, compute_for_page
from fastbench.metrics.samples import histogram
from fastbench.recording import Recording
from fastbench.report import STRIP_BINS, Answer, Level, Span, answer_of
from fastbench.units import rate

STATS = ("Average",)
S = 1_000 * MS


def answer(
    path: Path, requests: list[Request], *, footer: dict[str, Any] | None = None, stage: str = "total", **header: Any
) -> Answer:
    recording = Recording.open(record(path, requests, header=header_of(**header), footer=footer))
    return answer_of(compute_for_page(recording, STATS, stage), "llama/chat")


def streams(count: int, *, slots: int = 4, **changes: Any) -> list[Request]:
    """Requests of a closed loop: a token after 50 ms, then one each 20 ms, 250 ms in all."""
    made = []
    for k in range(count):
        sent = S + k // slots * 250 * MS
        tokens = tuple(sent + (50 + 20 * n) * MS for n in range(11))
        made.append(Request(k, sent_ns=sent, token_ns=tokens, end_ns=sent + 250 * MS, **changes))
    return made


def queued(rate: float, seconds: float, capacity: float) -> list[Request]:
    """Requests at a rate to a service that ends so many per second, each after 200 ms at least."""
    made: list[Request] = []
    for k, at in enumerate((S + np.arange(int(rate * seconds)) * int(S / rate)).tolist()):
        end = max(at + 200 * MS, (made[-1].end_ns if made else 0) + int(S / capacity)) // 1_000 * 1_000
        made.append(Request(k, sent_ns=at, token_ns=(end - 40 * MS, end - 20 * MS, end), end_ns=end))
    return made


def open_loop(rate: float, **more: Any) -> dict[str, Any]:
    shape = {"type": "constant", "rate": rate}
    return {"kind": "open", "arrival": "constant", "rate": rate, "concurrency": None, "shape": shape, **more}


CLOSED = {"shape": {"type": "concurrency"}, "planned": None}


def test_what_was_run(tmp_path: Path) -> None:
    """Model, host, load, number, lengths and duration are those of the recording."""
    found = answer(tmp_path, streams(40), load=CLOSED).subject
    assert (found.task, found.model, found.dataset, found.host) == ("llama/chat", "m", "synthetic", "127.0.0.1:8000")
    assert (found.load, found.requests) == ("4 in flight (closed loop)", 40)
    assert (found.inputs, found.outputs) == (Span(10, 10), Span(11, 11))
    assert found.duration_ms == 2_500
    assert found.created is not None
    assert found.created.isoformat() == "2026-11-24T07:34:46+00:00"


def test_texts_from_outside_cannot_steer_a_terminal(tmp_path: Path) -> None:
    """Control characters in a service's model name are blanks, and a password in the URL is not shown as its host."""
    service = {"url": "http://me:secret@host:1/v1", "model": "a\x1b]8;;x\x07b\nc\u202ed"}
    found = answer(tmp_path, streams(4), service=service).subject
    assert found.host == "host:1"
    assert found.model == "a ]8;;x b c d"


def test_a_closed_loop(tmp_path: Path) -> None:
    """The sentence has the number in flight, the rate, TTFT and the tokens/s that one user reads."""
    found = answer(tmp_path, streams(40), load=CLOSED)
    assert found.text == (
        "With 4 requests in flight the service answers 16 requests/s. "
        "A user waits 50.0 ms for the first token, then reads 50 tokens/s."
    )
    assert found.service is None
    assert (found.outcome.level, found.outcome.short) == (Level.GOOD, "40 of 40 OK")
    assert found.rates.per_user == 50
    assert "".join(piece.text for piece in found.sentence if piece.strong) == (
        "4 requests in flight16 requests/s50.0 ms50 tokens/s"
    )


def test_one_request(tmp_path: Path) -> None:
    """Of one request there is no rate to quote."""
    text = answer(tmp_path, streams(1), load=CLOSED).text
    assert text == "One request took 250 ms: the first token came after 50.0 ms, then 50 tokens/s."


def test_a_reply_in_one_piece(tmp_path: Path) -> None:
    """Without streams there is the time of the whole reply alone."""
    whole = [
        Request(k, sent_ns=S + k * 250 * MS, token_ns=(), end_ns=S + k * 250 * MS + 250 * MS, output_tokens=9, flags=())
        for k in range(20)
    ]
    found = answer(tmp_path, whole, service={"stream": False}, load={**CLOSED, "concurrency": 1})
    assert found.text == "With one request in flight the service answers 4 requests/s. A reply takes 250 ms."
    assert [one.name for one in found.latencies] == ["E2EL"]
    assert found.rates.per_user is None


def test_an_overload(tmp_path: Path) -> None:
    """The sentence begins with what holds however long the run is, and quotes no latency of the growing queue."""
    found = answer(tmp_path, queued(60, 10, 12), load=open_loop(60))
    assert found.service is not None
    assert (found.service.level, found.service.short) == (Level.NOTICE, "service overloaded")
    assert found.text == (
        "The service answers 12 requests/s and 35.9 output tokens/s; asked for 60 requests/s, it is overloaded from "
        "the start. Latencies are those of a growing queue: the longer the run, the higher they get."
    )
    in_flight = "in flight grew to 482, 482 waiting for a first token"
    assert found.service.clauses == ("asked 60/s, answered 12/s", in_flight, "latencies are those of a growing queue")
    assert found.service.beside == (in_flight,)
    assert found.rates.asked == 60
    assert found.rates.answered == pytest.approx(12, rel=0.02)
    assert found.rates.served == found.rates.answered
    assert found.subject.course == (
        "600 requests sent at 60 requests/s (open loop) in 9.98 s",
        "last reply after 50.1 s",
    )


def test_an_overload_at_the_limit_in_flight(tmp_path: Path) -> None:
    """Where the limit in flight is reached, those count that were due, and no latency is said to grow."""
    made = queued(60, 10, 12)
    ends = [one.end_ns for one in made]
    held = [
        replace(one, intended_ns=one.sent_ns, sent_ns=max(one.sent_ns, ends[k - 8]) if k >= 8 else one.sent_ns)
        for k, one in enumerate(made)
    ]
    found = answer(tmp_path, held, load=open_loop(60, concurrency=8))
    assert found.overloaded
    assert " Latencies leave out the wait for one of the 8 places in flight." in found.text
    assert found.service is not None
    assert found.service.beside == ("due and not answered grew to 482", "limit of 8 in flight reached")


def test_an_open_loop_that_keeps_up(tmp_path: Path) -> None:
    """It says so, and then what a user feels."""
    found = answer(tmp_path, queued(20, 20, 100), load=open_loop(20))
    assert found.service is not None
    assert (found.service.level, found.service.short) == (Level.GOOD, "service kept up")
    assert found.text == (
        "Asked for 20 requests/s, the service keeps up. "
        "A user waits 160 ms for the first token, then reads 50 tokens/s."
    )


def test_too_short_an_open_loop(tmp_path: Path) -> None:
    """What cannot be told is not told."""
    found = answer(tmp_path, queued(20, 1, 100), load=open_loop(20))
    assert found.service is not None
    assert found.service.short == "service: too short to tell"
    assert "the run is too short to tell if it keeps up" in found.text


def test_stages(tmp_path: Path) -> None:
    """Of a load that changes, the sentence has the highest rate that it kept up with, and what a user felt there."""
    steps = [{"duration": 20 * S, "rate": rate} for rate in (10.0, 60.0)]
    low = queued(10, 20, 30)
    high = [
        Request(
            len(low) + k,
            sent_ns=one.sent_ns + 20 * S,
            token_ns=tuple(ns + 20 * S for ns in one.token_ns),
            end_ns=one.end_ns + 20 * S,
        )
        for k, one in enumerate(queued(60, 20, 30))
    ]
    load = {"kind": "open", "arrival": "profile", "concurrency": None, "shape": {"type": "profile", "steps": steps}}
    found = answer(tmp_path, [*low, *high], load=load)
    assert found.kept_up_to == 10
    assert found.text == (
        "The service keeps up with 10 requests/s, and is overloaded at 60/s. At 10 requests/s a user waits 160 ms for "
        "the first token, then reads 50 tokens/s. Over the whole run latencies are those of a growing queue."
    )
    assert found.subject.load == "10, 60 requests/s in turn (open loop)"


def test_failures(tmp_path: Path) -> None:
    """The share of failed requests is in the sentence, the reasons are in the statement, which is bad above 5 %."""
    failed = [
        Request(40 + k, token_ns=(), outcome="http_error" if k < 3 else "timeout", status=503 if k < 3 else 0)
        for k in range(4)
    ]
    found = answer(tmp_path, [*streams(40), *failed], load=CLOSED)
    assert (found.outcome.level, found.outcome.short) == (Level.BAD, "4 of 44 failed (9.1 %)")
    assert found.outcome.clauses == ("3 HTTP 503", "1 timeout")
    assert found.text.endswith(" 9.1 % of the requests failed.")
    assert answer(tmp_path / "few", [*streams(40), *failed[:2]], load=CLOSED).outcome.level is Level.NOTICE


def test_nothing_succeeded(tmp_path: Path) -> None:
    """No figure stands where there is none; the reason does."""
    failed = [Request(k, token_ns=(), outcome="http_error", status=401) for k in range(3)]
    found = answer(tmp_path, failed, load=CLOSED)
    assert found.text == "None of 3 requests succeeded: 3 HTTP 401."
    assert (found.outcome.level, found.outcome.short) == (Level.BAD, "all 3 failed")
    assert (found.latencies, found.service) == ((), None)
    assert found.measurement.level is Level.BAD


def test_no_request(tmp_path: Path) -> None:
    """A run that ended before it began has a sentence too."""
    found = answer(tmp_path, [], load=CLOSED)
    assert found.text == "No request was sent."
    assert found.outcome.short == "no request was sent"


def test_a_run_that_was_stopped(tmp_path: Path) -> None:
    """What was cut and what was never sent did not fail."""
    cut = [Request(40 + k, token_ns=(), outcome="cancelled", status=0, end_ns=2 * S) for k in range(2)]
    found = answer(tmp_path, [*streams(40), *cut], load={**CLOSED, "planned": 50}, footer={"planned": 50})
    assert found.outcome.short == "40 OK, 2 cut, 8 not sent"
    assert (found.outcomes.failed, found.outcomes.cut, found.outcomes.not_sent) == (0, 2, 8)
    assert found.text.endswith("Of 50 requests 2 cut and 8 not sent.")


def test_the_measurement(tmp_path: Path) -> None:
    """A valid one says what the client did, with the limits; one that is not says why, in three digits, and in the
    sentence too."""
    fine = answer(tmp_path / "fine", streams(40), load=CLOSED).measurement
    assert (fine.level, fine.short) == (Level.GOOD, "measurement valid")
    assert fine.clauses == (
        "slots stood empty for 0 % of the time (limit 1.0 %)",
        "the time of every gap is sure",
    )
    sent = answer(tmp_path / "sent", queued(20, 20, 100), load=open_loop(20)).measurement
    assert sent.clauses[0] == "requests were sent 0 s late at P99 (limit 1.60 ms)"
    late = [
        Request(
            k, sent_ns=S + k * 50 * MS, intended_ns=S + k * 50 * MS - 7 * MS - 1_000, end_ns=S + k * 50 * MS + 99 * MS
        )
        for k in range(60)
    ]
    late = [
        Request(
            one.request,
            sent_ns=one.sent_ns,
            intended_ns=one.intended_ns,
            token_ns=(one.sent_ns + 10 * MS,),
            end_ns=one.end_ns,
        )
        for one in late
    ]
    found = answer(tmp_path / "late", late, load=open_loop(20))
    assert (found.measurement.level, found.measurement.short) == (Level.BAD, "measurement INVALID: not to be trusted")
    assert found.measurement.clauses == ("Requests were sent late, P99 7.00 ms with 1 ms allowed",)
    assert found.text.endswith("The measurement is INVALID: not to be trusted.")


def test_latencies_and_their_strips(tmp_path: Path) -> None:
    """All four have their statistics, whatever columns the tables have; each strip holds what lies between its ends."""
    found = answer(tmp_path, streams(40), load=CLOSED)
    assert [one.name for one in found.latencies] == ["TTFT", "TPOT", "ITL", "E2EL"]
    ttft = found.latency("TTFT")
    assert ttft is not None
    assert list(ttft.row.values) == ["Min", "Median", "P90", "P99", "Max"]
    assert ttft.row.values["Median"] == 50
    assert ttft.row.marked == ("P90", "P99")
    assert ttft.strip is not None
    assert (ttft.strip.low, ttft.strip.high, ttft.strip.counts) == (50, 50, (40,))


@pytest.mark.parametrize("size", [1, 2, 3, 16, 1_000])
def test_a_histogram_counts_each_sample_between_its_ends(size: int) -> None:
    """Bins hold what numpy's do, from P0.5 to P99."""
    values = np.random.default_rng(size).gamma(2, 1_000, size).astype(np.int64)
    found = histogram(ArraySamples(values), STRIP_BINS)
    assert found is not None
    inside = values[(values >= found.low) & (values <= found.high)]
    assert sum(found.counts) == inside.size
    if size > 1:
        assert (found.low, found.high) == pytest.approx(tuple(np.percentile(values, [0.5, 99])))
        assert found.counts == tuple(np.histogram(inside, STRIP_BINS, (found.low, found.high))[0].tolist())
    assert histogram(ArraySamples(values[:0]), 4) is None


@pytest.mark.parametrize(
    ("shape", "limit", "words"),
    [
        ({"type": "concurrency"}, 64, "64 in flight (closed loop)"),
        ({"type": "constant", "rate": 60}, None, "60 requests/s (open loop)"),
        ({"type": "poisson", "rate": 2.5}, 1000, "2.5 requests/s, Poisson (open loop)"),
        ({"type": "gamma", "rate": 2.5, "burstiness": 0.5}, None, "2.5 requests/s, Gamma (open loop)"),
        ({"type": "ramp", "start": 5.0, "end": 80.0}, None, "5 to 80 requests/s, linear (open loop)"),
        ({"type": "trace", "speed": 2.0}, None, "at the data set's times, 2 times as fast (open loop)"),
        ({"type": "pressure"}, 8, "up to 8 clients, added at once (closed loop)"),
        (
            {"type": "profile", "steps": [{"duration": S, "concurrency": n} for n in (4, 8, 16, 32, 64, 128)]},
            128,
            "4, 8 … 128 in flight in turn (closed loop)",
        ),
        ({"type": "of a package"}, None, "unknown (open loop)"),
    ],
)
def test_the_load_in_words(tmp_path: Path, shape: dict[str, Any], limit: int | None, words: str) -> None:
    """Each load shape has its few words."""
    found = answer(tmp_path, streams(4), load={"shape": shape, "concurrency": limit})
    assert found.subject.load == words


def test_rates_have_three_digits() -> None:
    """Those of tables and of sentences alike, without zeros at the end."""
    assert [rate(9.0528), rate(60.02), rate(1_250.4, "requests")] == ["9.05/s", "60/s", "1,250 requests/s"]
