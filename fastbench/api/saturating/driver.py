"""A search for the capacity, carried out: its visits, then its answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from fastbench.answers import Judge
from fastbench.answers.capacity import Levels, Purpose, Search, Step
from fastbench.api.planning import Prepared, new_directory, plan_of
from fastbench.api.reuse import find_run, own_config
from fastbench.api.running import Running
from fastbench.api.saturating.asked import Asked, asked_of, levelled, of_record
from fastbench.api.saturating.outcome import Outcome, outcome_of
from fastbench.api.saturating.page import write_page
from fastbench.api.saturating.pilot import INTERRUPTED, Names, Pilot, SearchSteps, Steps, Visited
from fastbench.api.saturating.state import State, add_visit, begin_state, read_state
from fastbench.api.saturating.sweep import SweepSteps
from fastbench.config import RunConfig, RunSettings
from fastbench.errors import FastbenchError, UsageError
from fastbench.live import Progress
from fastbench.options import ARGUMENT, Options, names_tasks, run_of_options
from fastbench.report import document_json
from fastbench.report import replace as write_file
from fastbench.run import RunDirectory, Stop
from fastbench.run.workers import levels_here
from fastbench.seeds import short

RESULT = "saturate.json"
_LEAST_PARTIAL = 2


class Searching(NamedTuple):
    """A search that is prepared. prepared: the run that its visits are made in; state: None = a new search."""

    asked: Asked
    prepared: Prepared
    state: State | None
    seed: int

    @property
    def directory(self) -> Path:
        """Of the run."""
        return self.prepared.directory.path


def prepare_search(options: Options) -> Searching:
    """Of a new search, or one that `reuse` names. Raises UsageError for what cannot be used."""
    if "reuse" in options:
        return _continued(options)
    run = run_of_options(options, replays=False).run
    return new_search(run, asked_of(options, run))


def new_search(run: RunConfig, asked: Asked) -> Searching:
    """In a new directory. Raises UsageError for a run that cannot be searched."""
    seed = secrets.randbits(48) if run.seed is None else run.seed
    run = _seeded(run, seed)
    wanted = levelled(run, asked)
    plan = plan_of(wanted)
    directory = new_directory(run)
    begin_state(directory.path, {"seed": seed, **asked.record()})
    return Searching(asked, Prepared(wanted, directory, plan), None, seed)


def _continued(options: Options) -> Searching:
    """Raises UsageError where it is no search."""
    named = names_tasks(options) or "url" in options
    run = run_of_options(options.without("reuse")).run if named else None
    where = run.work_dir if run else options.get("work_dir", RunSettings().work_dir)
    path = find_run(options["reuse"], where)
    state = read_state(path)
    if run is None:
        run = run_of_options(options.without("reuse").having(ARGUMENT, str(own_config(path)))).run
    asked = _asked_again(of_record(state.head), options, run)
    seed = int(state.head["seed"])
    wanted = levelled(_seeded(run, seed), asked)
    return Searching(asked, Prepared(wanted, RunDirectory(path), plan_of(wanted)), state, seed)


def _seeded(run: RunConfig, seed: int) -> RunConfig:
    """seed: of the search; of it are its prompts, unless the user has named one."""
    return structs.replace(run, fresh_seed=short(seed) if run.seed is None else None)


def _asked_again(before: Asked, options: Options, run: RunConfig) -> Asked:
    """What a search goes on with: more time and what a GPU costs may be given. Raises UsageError for what would make
    another search of it."""
    now = asked_of(options, run)
    fields = {"slo": "texts", "sweep": "sweep", "quick": "quick", "tolerance": "tolerance", "max": "most"}
    other = [
        f"--{name}"
        for name, field in fields.items()
        if name in options and getattr(now, field) != getattr(before, field)
    ]
    if other:
        raise UsageError(
            f"--reuse goes on with what that search asked, and {', '.join(other)} asks for something else: leave it "
            "out, or start a new search"
        )
    return replace(
        before,
        budget_ns=options.get("budget", before.budget_ns),
        gpus=options.get("gpus", before.gpus),
        price=options.get("price", before.price),
    )


class Saturating:
    """A search in progress. `with` shows how it stands to those who watch the run; `carry_out` sends.

    watch: called with the task's name and its progress by a thread of the run.
    """

    def __init__(
        self,
        searching: Searching,
        stop: Stop,
        watch: Callable[[str, Progress], object] | None = None,
        *,
        page: bool = True,
    ) -> None:
        """page: whether `saturate.html` is written."""
        self.page = page
        self.searching = searching
        self.stop = stop
        asked, prepared = searching.asked, searching.prepared
        (task,) = prepared.run.tasks()
        self._steps = steps_of(asked)
        before = _replayed(self._steps, searching.state)
        results = prepared.directory.results(task)
        self._pilot = Pilot(
            self._steps,
            len(asked.criteria),
            Names(results, task.dataset.abbr),
            searching.seed,
            add_visit(searching.directory),
            first=_free_number(results),
            spent_ns=before[-1].spent_ns if before else 0,
            interrupted=lambda: stop.asked > 0,
        )
        self._before = before
        judge = Judge(asked.criteria, stream=bool(prepared.plan.tasks[0].task.service.stream))
        self._running = Running(prepared._replace(launcher=levels_here(self._pilot, judge)), stop, watch)
        self.error: FastbenchError | None = None

    def __enter__(self) -> Saturating:
        self._running.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._running.__exit__(*raised)

    def carry_out(self) -> Outcome:
        """Makes the visits; the outcome also of a search that was interrupted, or whose service died. Raises the error
        that ended it before anything was seen."""
        if self._pilot.visit is not None:
            for ended in self._running:
                self.error = ended.error
        if self._steps.step is not None:
            self._steps.stop(INTERRUPTED if self.stop.asked else str(self.error or "the load ended early"))
        visited = (*self._before, *self._pilot.visited)
        if self.error is not None and not visited:
            raise self.error
        outcome = outcome_of(self.searching.asked, self._answer(), self._levels, visited, self._pilot.took_ns)
        write_outcome(self.searching.directory, outcome)
        if self.page and outcome.levels:
            (task,) = self.searching.prepared.run.tasks()
            write_page(self.searching.directory, outcome, task.name)
        return outcome

    def _answer(self) -> Any:
        partial, step = self._pilot.partial, self._partial_step()
        if partial is not None and step is not None and partial.seen.blocks >= _LEAST_PARTIAL:
            self._levels.add(step.level, step.purpose, partial.seen)
        return self._steps.answer()

    def _partial_step(self) -> Step | None:
        """The closed loop's visit that was under way."""
        visit = self._pilot.last
        if visit is None or visit.rate is not None:
            return None
        return Step(visit.level, Purpose(visit.purpose), visit.repeat)

    @property
    def _levels(self) -> Levels:
        return self._steps.levels


def steps_of(asked: Asked) -> SearchSteps | SweepSteps:
    """A search, or a sweep where levels are named."""
    settings = asked.settings()
    return SearchSteps(Search(settings)) if asked.sweep is None else SweepSteps(settings, *asked.sweep)


def _replayed(steps: Steps, state: State | None) -> tuple[Visited, ...]:
    """Feeds the visits of a search before. Raises UsageError where they belong to another one."""
    if state is None:
        return ()
    for one in state.visited:
        if steps.step is None or steps.step[:3] != one.step[:3] or not steps.feed(one.looked.seen, one.spent_ns):
            raise UsageError("--reuse: the visits of that search do not fit what it asks now; start a new one")
    return state.visited


def _free_number(results: Path) -> int:
    """The number of the next visit: none that has a recording."""
    numbers = [int(path.name.split("_")[-3]) for path in results.glob("*_[0-9][0-9][0-9]_*_recording")]
    return max(numbers, default=-1) + 1


def saturation_json(outcome: Outcome) -> bytes:
    """The answer as one document."""
    return document_json("saturation", msgspec.to_builtins(outcome.record(), enc_hook=str))


def write_outcome(directory: Path, outcome: Outcome) -> Path:
    """`saturate.json`. Raises RecordingError when it cannot be written."""
    path = directory / RESULT
    write_file(path, saturation_json(outcome))
    return path


__all__ = [
    "RESULT",
    "Saturating",
    "Searching",
    "new_search",
    "prepare_search",
    "saturation_json",
    "steps_of",
    "write_outcome",
]
