"""Two services compared while they run: pairs of slices, in an order that a coin decides, until the time is over or the
answer is known."""

from __future__ import annotations

import math
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from fastbench.answers.comparison import (
    Asking,
    Comparison,
    Pairs,
    Side,
    coins,
    compare_pairs,
    nothing_compared,
    paired_effects,
    settled,
)
from fastbench.api.comparing.measured import Measured, blurs_of, gone, measured, sending_s
from fastbench.api.comparing.slices import OneSide, Sender, Sent, Slice, side_of
from fastbench.api.planning import Prepared, new_directory
from fastbench.api.running import Running
from fastbench.config import RunConfig
from fastbench.config.services import shown_url
from fastbench.datasets import Dataset
from fastbench.errors import Exit, FastbenchError, RecordingError, ServiceError, UsageError
from fastbench.live import Observer, Progress
from fastbench.metrics.samples import STABLE, TOTAL
from fastbench.options import LIVE, Options, run_of_options
from fastbench.recording import Recording
from fastbench.report import comparison_json, replace
from fastbench.run import Stop, log
from fastbench.run.worker import Assignment
from fastbench.run.workers import WorkersEnd
from fastbench.seeds import seed_of
from fastbench.units import NS_PER_S, quantity

BUDGET_NS = 120 * NS_PER_S
RESULT = "compare.json"
ROUNDS = "rounds.jsonl"
"""What was asked, then a line for each pair of slices."""
_LEAST_REQUESTS = 20
_WAVES = 2
_STABLE_WAVES = 3
"""A slice of so many requests for each slot has a stage of full concurrency."""
_LEAST_SLICE_NS, _LATENCIES, _PAIRS = 2 * NS_PER_S, 4, 12
"""A slice lasts for so many mean E2EL, but so that the budget has room for as many pairs."""
_JUST_AFTER_S = 1e-6
INVALID_SHARE = 0.5
"""From so many pairs with an INVALID slice on the rest says nothing."""


class LiveAsked(NamedTuple):
    """What is asked of a live comparison. urls, labels: of A and B. until_decided: stop when the gate is decided.
    pairs: at most so many; None = as the budget has room for. slice_ns: about how long a slice lasts; requests: exactly
    how many it has; None = by what the service takes."""

    urls: tuple[str, str]
    labels: tuple[str, str] = ("A", "B")
    until_decided: bool = False
    budget_ns: int = BUDGET_NS
    pairs: int | None = None
    duet: bool = False
    slice_ns: int | None = None
    requests: int | None = None
    asking: Asking = Asking()

    def record(self, seed: int) -> dict[str, Any]:
        """Plain JSON, without keys."""
        return {
            "urls": [shown(url) for url in self.urls],
            "labels": list(self.labels),
            "seed": seed,
            "until_decided": self.until_decided,
            "budget_s": self.budget_ns / NS_PER_S,
            "duet": self.duet,
        }


class Comparing(NamedTuple):
    """A live comparison that is prepared."""

    asked: LiveAsked
    sides: tuple[OneSide, OneSide]
    prepared: Prepared
    seed: int
    remarks: tuple[str, ...] = ()
    """For the user before anything is sent, a sentence each."""

    @property
    def directory(self) -> Path:
        """Of the recordings of all slices."""
        return self.prepared.directory.path


def prepare_live(
    asked: LiveAsked, runs: tuple[RunConfig, RunConfig], seed: int | None = None, remarks: Sequence[str] = ()
) -> Comparing:
    """In a new directory. runs: of A and B, alike but for the service's URL. seed: of prompts and order, None = by
    chance. Raises UsageError for what cannot be compared so."""
    # Of a config's run, too: both sides have the same.
    named = runs[0].seed if seed is None else seed
    seed = secrets.randbits(48) if named is None else named
    a, b = (
        side_of(run, letter, label, url, seed, named=named is not None)
        for run, letter, label, url in zip(runs, "ab", asked.labels, asked.urls, strict=True)
    )
    if asked.duet and a.plan.workers.count > 1:
        raise UsageError("--duet sends to each service by one worker: leave --workers out")
    directory = new_directory(a.run)
    _write(directory.path, asked.record(seed), "x")
    prepared = Prepared(a.run, directory, a.run_plan)
    return Comparing(asked, (a, b), prepared, seed, tuple(dict.fromkeys((*remarks, *prepared.remarks))))


def live_of(options: Options, asking: Asking, labels: tuple[str, str]) -> Comparing:
    """As the options of `LIVE_SECTIONS` say. Raises UsageError for what cannot be compared so."""
    rest = options.without(*(option.name for option in LIVE), "num_prompts")
    urls = options["url_a"], options["url_b"]
    a, b = (run_of_options(rest.having("url", url), replays=False) for url in urls)
    asked = LiveAsked(
        urls,
        labels,
        until_decided="until" in options,
        budget_ns=options.get("budget", BUDGET_NS),
        pairs=options.get("pairs"),
        duet="duet" in options,
        slice_ns=options.get("slice"),
        requests=options.get("num_prompts"),
        asking=asking,
    )
    return prepare_live(asked, (a.run, b.run), options.get("seed"), (*a.remarks, *b.remarks))


class LiveOutcome(NamedTuple):
    """What a live comparison came to. pairs: that count; left_out: that do not. interrupted: by the user."""

    comparison: Comparison
    pairs: int
    left_out: int
    seconds: float
    interrupted: bool

    @property
    def code(self) -> int:
        """0, 3 worse, 4 cannot tell; 130 interrupted."""
        return Exit.INTERRUPTED if self.interrupted else self.comparison.code


class LiveComparing:
    """A live comparison in progress. `with` shows how it stands to those who watch; `carry_out` sends.

    watch: called with the task's name and its progress by a thread of the run.
    """

    def __init__(
        self, comparing: Comparing, stop: Stop, watch: Callable[[str, Progress], object] | None = None
    ) -> None:
        self.comparing = comparing
        self.stop = stop
        self._rounds = _Rounds(comparing, stop)
        self._running = Running(comparing.prepared._replace(launcher=self._rounds.launch), stop, watch)

    def __enter__(self) -> LiveComparing:
        self._running.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._running.__exit__(*raised)

    def carry_out(self) -> LiveOutcome:
        """Sends pair after pair; the outcome also of one that was interrupted, or whose service died. Raises the error
        that ended it before a pair was measured."""
        begun = time.monotonic()
        error: FastbenchError | None = None
        for ended in self._running:
            error = ended.error
        rounds = self._rounds
        if error is not None:
            raise error
        if not rounds.measured:
            raise RecordingError("nothing was compared: it was stopped before both services had been measured once")
        comparison = rounds.comparison()
        replace(self.comparing.directory / RESULT, comparison_json(comparison))
        return LiveOutcome(
            comparison,
            len(rounds.kept),
            rounds.left_out,
            time.monotonic() - begun,
            self.stop.asked > 0,
        )


class _Recorded(NamedTuple):
    """A slice that came to its end, and where it is recorded."""

    path: Path
    recording: Recording


_Both = tuple[_Recorded, _Recorded]
"""A's and B's slice."""


class _Rounds:
    """The pairs, one after the other, and what they say so far. Called by the thread of the run."""

    def __init__(self, comparing: Comparing, stop: Stop) -> None:
        self.asked, self.sides, self._seed = comparing.asked, comparing.sides, comparing.seed
        self._directory = comparing.directory
        self._user = stop
        self.kept: list[tuple[Measured, Measured]] = []
        """A's and B's slices of the pairs that count."""
        self.left_out = 0
        self.measured = 0
        """Pairs whose slices were both measured."""
        self.died = ""
        """Which service stopped answering, in words."""
        self._why_left_out = ""
        self._last: tuple[Measured, ...] = ()
        """The slices that were measured last."""
        self._standing = ""
        self._pair_ns = 0
        self._deadline_ns = 0

    # ------------------------------------------------------------------------------------------------------ the load
    def launch(self, assignment: Assignment, observer: Observer, stop: Stop, _: Dataset) -> WorkersEnd:
        """A launcher: sends to both services in turn."""
        # Begun again without a field that a service refused at its warm-up.
        for path in assignment.recording.parent.glob("*_000_[ab]_recording"):
            shutil.rmtree(path)
        # Also between slices a request to stop is heard.
        with stop.within() as heard:
            self._all(assignment, observer, heard)
            return WorkersEnd(complete=not heard.asked)

    def _all(self, assignment: Assignment, observer: Observer, stop: Stop) -> None:
        sender = Sender(assignment, stop, observer, lambda: self._standing)
        self._deadline_ns = time.monotonic_ns() + self.asked.budget_ns
        requests = self.asked.requests or self._first_size()
        first = 0
        for number, b_first in enumerate(coins(self._seed)):
            if stop.asked or not self._has_room(number):
                break
            one = Slice(number, first, requests, seed_of(self._seed, "arrivals", number))
            began = time.monotonic_ns()
            self._say(number)
            both = self._both(sender, one, b_first=b_first)
            if both is None or not self._take(one, both, b_first=b_first, sender=sender):
                break
            self._pair_ns = time.monotonic_ns() - began
            first += requests
            if not number:
                requests = self.asked.requests or self._size_by(both, requests)
                self._pair_ns = self._pair_ns * requests // one.requests

    def _both(self, sender: Sender, one: Slice, *, b_first: bool) -> _Both | None:
        """A's and B's slice; None where one was not whole."""
        if self.asked.duet:
            found = dict(enumerate(sender.send_both(self.sides, one)))
        else:
            found = {}
            for place in (1, 0) if b_first else (0, 1):
                found[place] = sender.send(self.sides[place], one)
                if not found[place].complete:
                    break
        for place, sent in found.items():
            self._note_end(self.sides[place], sent)
        if not all(sent.complete for sent in found.values()):
            return None
        a, b = (_Recorded(sent.recording, Recording.open(sent.recording)) for _, sent in sorted(found.items()))
        return a, b

    def _note_end(self, side: OneSide, sent: Sent) -> None:
        """Raises the error of a service that cannot be measured at all."""
        if sent.error is None or self.died:
            return
        if not self.measured:
            raise sent.error
        self.died = self._gone(side, str(sent.error))

    def _gone(self, side: OneSide, why: str) -> str:
        count = len(self.kept)
        pairs = "1 pair" if count == 1 else f"{count} pairs"
        return f"{side.label} ({shown(side.url)}) stopped answering after {pairs} of slices: {why.rstrip('.')}."

    # -------------------------------------------------------------------------------------------------- what was seen
    def _take(self, one: Slice, both: _Both, *, b_first: bool, sender: Sender) -> bool:
        """Looks at a pair; whether another one is wanted."""
        for side, recorded in zip(self.sides, both, strict=True):
            why = gone(recorded.recording)
            if why:
                if not self.measured:
                    raise ServiceError(f"{side.label} ({shown(side.url)}) cannot be compared: {why}.")
                self.died = self._gone(side, why)
                return False
        a, b = self._last = self._measured(both, self._stage_of(one, both))
        self.measured += 1
        sender.e2el_ns = max(sender.e2el_ns, a.e2el_ns, b.e2el_ns)
        faults = [f"{side.label}: {seen.fault}" for side, seen in zip(self.sides, (a, b), strict=True) if seen.fault]
        why = faults[0] if faults else ""
        if one.pair and why:
            self.left_out += 1
            self._why_left_out = why
        elif one.pair:
            self.kept.append((a, b))
        record = {
            "pair": one.pair,
            "first": "b" if b_first and not self.asked.duet else "a",
            "requests": one.requests,
            "recordings": [str(recorded.path.relative_to(self._directory)) for recorded in both],
            "left_out": why if one.pair else "the first pair warms both services up",
        }
        _write(self._directory, record, "a")
        log.info("pair %d: %s", one.pair, why or "counted")
        return not self._is_settled()

    def _measured(self, both: _Both, stage: str) -> tuple[Measured, Measured]:
        a, b = (
            measured(recorded.recording, recorded.path.name, shown(side.url), self.asked.asking.stats, stage)
            for side, recorded in zip(self.sides, both, strict=True)
        )
        return a, b

    def _stage_of(self, one: Slice, both: _Both) -> str:
        """Of a closed loop the time in which all slots are in use, of a duet that in which requests go to both; else
        all of it."""
        if self.asked.duet:
            return f"0s:{min(sending_s(recorded.recording) for recorded in both) + _JUST_AFTER_S:.6f}s"
        schedule = self.sides[0].plan.schedule
        closed = schedule.slots is not None and schedule.limit > 1
        return STABLE if closed and one.requests >= _STABLE_WAVES * schedule.limit else TOTAL

    def _pairs(self) -> Pairs:
        a, b = (
            Side(label, tuple(slices[place].summary for slices in self.kept))
            for place, label in enumerate(self.asked.labels)
        )
        looked = self.asked.until_decided or self._user.asked > 0
        return Pairs(a, b, "at the same time" if self.asked.duet else "interleaved", looked, blurs_of(self.kept))

    def _is_settled(self) -> bool:
        effects = paired_effects(self._pairs(), self.asked.asking)
        self._standing = _standing([(one.label, one.change) for one in effects if one.gate and one.change is not None])
        return self.asked.until_decided and settled(effects)

    def comparison(self) -> Comparison:
        """What there is."""
        refused = [self.died] if self.died else []
        total = len(self.kept) + self.left_out
        if total and self.left_out >= INVALID_SHARE * total:
            refused.append(
                f"{self.left_out} of {total} pairs do not count because a slice was INVALID: {self._why_left_out}"
            )
        elif not total and self._user.asked:
            refused.append("Nothing can be told: it was interrupted before a pair had been measured.")
        elif not total and not self.died:
            budget = quantity(self.asked.budget_ns)
            refused.append(f"The budget of {budget} left no time for a pair that counts: give more --budget.")
        if self.kept:
            return compare_pairs(self._pairs(), self.asked.asking, refused, tuple(self._notes()))
        a, b = (Side(label, (seen.summary,)) for label, seen in zip(self.asked.labels, self._last, strict=True))
        return nothing_compared(a, b, refused[0], self.asked.asking)

    def _notes(self) -> list[str]:
        notes = ["Both services were measured as they run: what a restart of either one changes is not seen"]
        if self.left_out:
            notes.append(f"{self.left_out} more pairs do not count because a slice was INVALID")
        if self._user.asked:
            notes.append("Interrupted: the answer is from the pairs until then")
        return notes

    # ---------------------------------------------------------------------------------------------------------- sizes
    def _first_size(self) -> int:
        schedule = self.sides[0].plan.schedule
        if schedule.slots is not None:
            return max(_LEAST_REQUESTS, _WAVES * schedule.limit)
        rate = self.sides[0].plan.load.shape.rate
        return max(_LEAST_REQUESTS, math.ceil((rate or 0) * _LEAST_SLICE_NS / NS_PER_S))

    def _size_by(self, both: _Both, requests: int) -> int:
        """Requests of a slice, by what the first ones took."""
        a, b = self._measured(both, TOTAL)
        took_ns = max(a.summary.length_s, b.summary.length_s) * NS_PER_S
        e2el_ns = max(a.e2el_ns, b.e2el_ns)
        usual = max(_LEAST_SLICE_NS, min(_LATENCIES * e2el_ns, self.asked.budget_ns / (2 * _PAIRS)))
        wanted = math.ceil(requests * (self.asked.slice_ns or usual) / max(took_ns, 1))
        schedule = self.sides[0].plan.schedule
        if schedule.slots is None:
            return max(_LEAST_REQUESTS, wanted)
        limit = schedule.limit
        return max(_LEAST_REQUESTS, _WAVES * limit, limit * math.ceil(wanted / limit))

    def _has_room(self, number: int) -> bool:
        """Whether another pair may begin: not more than were asked for, and it would end within the budget."""
        if self.asked.pairs is not None and number > self.asked.pairs:
            return False
        return time.monotonic_ns() + self._pair_ns <= self._deadline_ns

    def _say(self, number: int) -> None:
        """How it stands, for those who watch."""
        of = f" of {self.asked.pairs}" if self.asked.pairs is not None else ""
        head = f"pair {number}{of}" if number else "a pair that warms both up"
        told = self._standing.partition(" · ")[2]
        self._standing = f"{head} · {told}" if told else head


def _standing(changes: Sequence[tuple[str, float]]) -> str:
    """What the pairs say so far, behind the place of the pair's number."""
    return " · ".join(["", *(f"{label} {100 * change:+.1f} %" for label, change in changes)])


def shown(url: str) -> str:
    """A URL for people, without what must not be shown."""
    return shown_url(url).strip("'\"")


def _write(directory: Path, record: dict[str, Any], mode: str) -> None:
    try:
        with open(directory / ROUNDS, f"{mode}b") as file:
            file.write(msgspec.json.encode(record) + b"\n")
    except OSError as error:
        raise RecordingError(f"{directory / ROUNDS} cannot be written: {error.strerror}") from error


__all__ = ["BUDGET_NS", "ROUNDS", "Comparing", "LiveAsked", "LiveComparing", "LiveOutcome", "live_of", "prepare_live"]
