"""Slices of a load on two services: the same schedule and lengths of prompts on both, each an ordinary recording."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from fastbench.api.limits import patience_ns
from fastbench.api.planning import plan_of
from fastbench.client import Gate
from fastbench.config import DatasetConfig, RunConfig
from fastbench.datasets import Dataset, SyntheticConfig, open_dataset
from fastbench.errors import FastbenchError, ServiceError, UsageError
from fastbench.live import Observer, Progress
from fastbench.plan import RunPlan, TaskPlan
from fastbench.run import Stop
from fastbench.run.worker import Assignment, FieldRefusedError, forwarded_in_loop, one_clock, run_worker
from fastbench.run.workers import on_this_host
from fastbench.seeds import seed_of, short
from fastbench.units import NS_PER_MS, NS_PER_S

MADE = 1_000_000
"""Prompts of a made data set: more than any comparison sends."""
_SEED_BITS = 31
_TOGETHER_S = 60.0
_MARGIN_NS = 20 * NS_PER_MS
"""From when both services' connections are open to the common start."""


class OneSide(NamedTuple):
    """A service of the comparison, and what is sent to it. letter: "a" or "b"."""

    letter: str
    label: str
    url: str
    run: RunConfig
    plan: TaskPlan
    dataset: Dataset

    @property
    def run_plan(self) -> RunPlan:
        """As `run_tasks` takes it."""
        task = self.plan.task
        return RunPlan((self.plan,), {(task.service.abbr, task.dataset.abbr): self.dataset})


def side_of(run: RunConfig, letter: str, label: str, url: str, seed: int, *, named: bool = False) -> OneSide:
    """The service that `run` is about. seed: of all prompts; named: the user has named it. Raises UsageError for a run
    that cannot be cut."""
    tasks = run.tasks()
    if len(tasks) != 1:
        names = ", ".join(task.name for task in tasks)
        raise UsageError(f"two services are compared with one data set, and the config has {len(tasks)}: {names}")
    (task,) = tasks
    if task.service.use_timestamp or task.duration is not None or task.profile or task.pressure:
        raise UsageError(
            "a live comparison cuts the load into slices of equal requests: leave use_timestamp, duration, profile and "
            "pressure out, and give --concurrency or --rate"
        )
    if task.service.reset_cache != "none":
        raise UsageError(
            "a live comparison sends new prompts in each pair, between which no cache is reset: leave reset_cache out"
        )
    words = short(seed_of(seed, letter))
    sliced = replace(
        run,
        seed=words if named else None,
        fresh_seed=None if named else words,
        models=(task.service,),
        datasets=(_fresh(task.dataset, seed, words),),
        pairs=None,
        max_num_workers=1,
        workers=1 if run.workers == "auto" else run.workers,
    )
    (plan,) = plan_of(sliced).tasks
    if plan.has_turns:
        raise UsageError("a live comparison takes single requests, and the data set has conversations")
    if isinstance(task.dataset, SyntheticConfig):
        # Only now: a package's dialect is tried with each prompt of a plan.
        dataset = replace(plan.task.dataset, count=MADE)
        survey = plan.survey._replace(samples=MADE, requests=MADE)
        plan = plan.changed(task=replace(plan.task, dataset=dataset), survey=survey)
        sliced = replace(sliced, datasets=(dataset,))
    return OneSide(letter, label, url, sliced, plan, open_dataset(plan.task.dataset, plan.task.service.path))


def _fresh(config: DatasetConfig, seed: int, words: int) -> DatasetConfig:
    """Made prompts of a seed of their own, with other words on either side; of a file both sides have the same rows.
    words: the seed of the side's."""
    if isinstance(config, SyntheticConfig):
        return replace(config, seed=seed_of(seed, config.seed or 0), words_seed=words)
    return config


class Slice(NamedTuple):
    """What is sent to one side. pair: from 1; 0 is not counted. first: sample of the data set. requests: from there on.
    seed: of the send times."""

    pair: int
    first: int
    requests: int
    seed: int


class Sent(NamedTuple):
    """A slice that was sent. error: what ended it, "" = nothing; complete: whether it came to its end."""

    recording: Path
    complete: bool
    error: FastbenchError | None = None


class Sender:
    """Sends slices. directory: of their recordings; told: what is known since the warm-up of the task, from its
    assignment."""

    def __init__(self, assignment: Assignment, stop: Stop, observer: Observer, headline: Callable[[], str]) -> None:
        """headline: how the comparison stands, for those who watch."""
        self._assignment = assignment
        self._stop = stop
        self._observer = observer
        self._headline = headline
        self.e2el_ns = 0.0
        """The longest median of a slice so far, for how long a silence may be."""

    def send(self, side: OneSide, one: Slice) -> Sent:
        """One slice by itself; returns when all its requests have ended."""
        return self._sent(
            side,
            one,
            lambda assignment, observer, stop: on_this_host(assignment, observer, stop, side.dataset).complete,
        )

    def send_both(self, sides: tuple[OneSide, OneSide], one: Slice) -> tuple[Sent, Sent]:
        """Both at once, beginning at the same moment."""
        meeting = _Meeting()

        def carry_out(side: OneSide) -> Sent:
            def launch(assignment: Assignment, observer: Observer, stop: Stop) -> bool:
                return run_worker(assignment, _Together(stop, meeting.gate), observer, side.dataset)

            try:
                sent = self._sent(side, one, launch, observed=side is sides[0])
            except BaseException:
                meeting.part()
                raise
            if sent.error is not None or not sent.complete:
                meeting.part()
            return sent

        with ThreadPoolExecutor(2) as pool:
            first, second = [pool.submit(copy_context().run, carry_out, side) for side in sides]
            return first.result(), second.result()

    def _sent(
        self,
        side: OneSide,
        one: Slice,
        launch: Callable[[Assignment, Observer, Stop], bool],
        *,
        observed: bool = True,
    ) -> Sent:
        before = self._assignment
        path = recording_of(before.recording, side, one)
        plan = plan_of_slice(side.plan, before.plan, one)
        with self._stop.within() as stop:
            silence = _Silence(stop, lambda: self.e2el_ns)

            def watch(now: Progress) -> None:
                silence.watch(now)
                if observed:
                    self._observer(now._replace(load=self._headline(), ended=False))

            try:
                complete = launch(before._replace(plan=plan, recording=path), watch, stop)
            except FieldRefusedError:
                raise  # the task begins again without the field
            except ServiceError as error:
                return Sent(path, complete=False, error=error)
        if silence.over:
            return Sent(path, complete=False, error=ServiceError(silence.words))
        return Sent(path, complete)


def recording_of(recording: Path, side: OneSide, one: Slice) -> Path:
    """Where a slice is recorded, from where its task would be."""
    stem = recording.name.removesuffix("_recording")
    return recording.with_name(f"{stem}_{one.pair:03d}_{side.letter}_recording")


def plan_of_slice(plan: TaskPlan, told: TaskPlan, one: Slice) -> TaskPlan:
    """told: the plan whose service was asked already how many tokens a word has, and which fields it refuses."""
    load = replace(plan.load, seed=one.seed % (1 << _SEED_BITS))
    # The first slices warm both services up.
    warmups = plan.task.num_warmups if not one.pair else 0
    task = replace(plan.task, num_warmups=warmups, left_out=told.task.left_out)
    first = one.first % plan.survey.samples
    return plan.changed(
        task=task, load=load, schedule=load.schedule(one.requests), tokens_per_word=told.tokens_per_word, first=first
    )


class _Silence:
    """Ends a slice whose service answers nothing any more."""

    def __init__(self, stop: Stop, e2el_ns: Callable[[], float]) -> None:
        self._stop = stop
        self._e2el_ns = e2el_ns
        self._seen: tuple[int, ...] = ()
        self._since_ns = time.monotonic_ns()
        self.over = False
        self.words = ""

    def watch(self, now: Progress) -> None:
        """Looks at what has come since the last time."""
        seen, moment = (now.ok, now.failed, now.output_events), time.monotonic_ns()
        if seen != self._seen or not now.in_flight:
            self._seen, self._since_ns = seen, moment
            return
        most = patience_ns(self._e2el_ns())
        if moment - self._since_ns > most and not self.over:
            self.over = True
            self.words = f"it has answered nothing for {most / NS_PER_S:.0f} s"
            self._stop.at_once()


class _Meeting:
    """Two workers of this process begin at one moment; neither waits for one that cannot begin."""

    def __init__(self) -> None:
        self._start_ns = 0
        self._barrier = threading.Barrier(2, self._agree)

    def _agree(self) -> None:
        self._start_ns = time.monotonic_ns() + _MARGIN_NS

    async def gate(self) -> int:
        """The common start, ns."""
        try:
            await asyncio.to_thread(self._barrier.wait, _TOGETHER_S)
        except threading.BrokenBarrierError:
            return time.monotonic_ns()
        return self._start_ns

    def part(self) -> None:
        """One of them has ended."""
        self._barrier.abort()


class _Together:
    """The link of a worker that begins with another one."""

    clock = staticmethod(one_clock)

    def __init__(self, stop: Stop, gate: Gate) -> None:
        self.gate = gate
        self._stop = stop

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """As one that is alone."""
        return forwarded_in_loop(self._stop, stop)
