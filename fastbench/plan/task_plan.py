"""A task's plan: what is sent, when, by whom. Made once, before anything is sent; nothing is derived again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

from fastbench.config import Task
from fastbench.config.fields import EXTRA, OF_THE_RUN, PARAMETERS
from fastbench.datasets import Counts, Survey
from fastbench.dialects import OutputLength, not_taken, output_length
from fastbench.errors import PluginError
from fastbench.plan.load import load_of
from fastbench.plan.reactor import ReactorOptions, reactor_options
from fastbench.plan.shapes import NO_LIMIT, LoadSpec, Schedule, write_shape
from fastbench.plan.sharing import WHOLE, Machine, Remainder, Share, WorkerPlan, places, share_of, worker_plan
from fastbench.registry import SHAPES
from fastbench.structured import INSTALL, PACKAGE, SCHEMAS, STRUCTURED, is_installed

_KNOWN = PARAMETERS | OF_THE_RUN | {EXTRA}


def remarks(task: Task, survey: Survey, schedule: Schedule, length: OutputLength) -> Iterator[str]:
    """Where a run does less than its settings may suggest; a sentence each, without a full stop."""
    name = task.dataset.abbr
    if task.num_prompts is not None and survey.samples < task.num_prompts:
        yield f"{name}: the data set has {survey.samples} rows, {task.num_prompts} were asked for"
    yield from data_notes(task, survey)
    if length.fixed is not None and survey.longest_output not in (None, length.fixed):
        yield (
            f"{name}: the output lengths of the data set have no effect, as generation_kwargs[{length.field!r}] "
            f"(--param) asks for {length.fixed} tokens in every request"
        )
    if task.max_context is not None and survey.uncounted:
        yield (
            f"{name}: max_context (--max-context) is not checked for {survey.uncounted} of {survey.samples} rows, "
            "whose prompts are not counted before the run"
        )
    slots, prompts = task.service.batch_size, survey.samples * task.service.repeats
    if schedule.slots is not None and schedule.duration_ns is None and prompts < slots:
        what = "conversation" if survey.requests > survey.samples else "request"
        there = f"is 1 {what}" if prompts == 1 else f"are {prompts} {what}s"
        yield (
            f"{name}: batch_size (--concurrency) is {slots}, but there {there}: "
            f"{slots - prompts} {'slot stays' if slots - prompts == 1 else 'slots stay'} empty"
        )
    if schedule.duration_ns is None and schedule.total is not None and schedule.total < prompts:
        what = "conversations" if survey.requests > survey.samples else "requests"
        yield f"{name}: the load shape begins {schedule.total} of {prompts} {what}; the others are not sent"
    asked = sorted(structured_fields(task, survey) & SCHEMAS)
    if asked and not is_installed():
        yield (
            f"{name}: replies are not checked against the JSON schema that they are asked for "
            f"({', '.join(asked)}), as the package {PACKAGE} is missing: {INSTALL}"
        )
    if survey.timed and not schedule.timed_by_data:
        yield f"{name}: the data set has time stamps, which have no effect without use_timestamp (--use-timestamp)"


def data_notes(task: Task, survey: Survey) -> Iterator[str]:
    """A sentence for each, without its full stop."""
    name = task.dataset.abbr
    if survey.left_out:
        why = ", ".join(f"{count} {reason}" for reason, count in survey.left_out)
        count = sum(count for _, count in survey.left_out)
        are = "1 conversation of the file is" if count == 1 else f"{count} conversations of the file are"
        yield f"{name}: {are} left out: {why}"
    if unsent := _unsent(task, survey):
        listed = ", ".join(f"{field} ({count})" for field, count in unsent)
        yield f"{name}: these row fields could change the requests but are not sent (with the number of rows): {listed}"
    if survey.answered:
        yield (
            f"{name}: {survey.answered} of {survey.samples} prompts end with a message of the assistant, which is sent "
            "as it stands"
        )
    if survey.shares:
        yield f"{name}: prompts share {survey.shares} on purpose, so a prefix cache may have what they share"
    yield from (f"{name}: {note}" for note in survey.notes)


def row_fields(task: Task, survey: Survey) -> str:
    """Which row fields beside prompts and lengths are sent, and which are not, in words; "" = none."""
    refused = not_taken(task.service.type)
    sent = [name for name, _ in survey.fields if name not in refused]
    rest = [name for name, _ in (*survey.fields, *survey.unused) if name not in sent]
    listed = (f"sent: {', '.join(sent)}" if sent else "", f"not sent: {', '.join(rest)}" if rest else "")
    return "; ".join(filter(None, listed))


def structured_fields(task: Task, survey: Survey) -> frozenset[str]:
    """The parameters of its requests that say what the text of a reply has to be."""
    of_rows = {name for name, _ in survey.fields} - not_taken(task.service.type)
    return STRUCTURED & (of_rows | task.service.parameters.keys()) | survey.structures


def _unsent(task: Task, survey: Survey) -> Counts:
    refused = not_taken(task.service.type)
    return (
        *((name, count) for name, count in survey.fields if name in refused),
        *((name, count) for name, count in survey.unused if name.partition(".")[0] in _KNOWN),
    )


class Part(NamedTuple):
    """One worker's part of a plan. planned: its requests, None = as many as the time allows, or as it takes of the
    queue. left: the places that all workers have to share, None = without end."""

    share: Share
    schedule: Schedule
    reactor: ReactorOptions
    planned: int | None
    left: int | None


@dataclass(frozen=True)
class TaskPlan:
    """The plan of one task. Frozen and picklable: workers get it as it is, and the recording's header holds it.

    schedule: of the whole task. remainder: what an interrupted run has left of it, None = all. tokens_per_word: as the
    service counts the prompts, without a tokenizer. first: the sample of the data set with which it begins. reset: what
    the service answered when its prefix cache was reset, None = it was not. notes: for readers of the numbers. remarks:
    for the user, before anything is sent.
    """

    task: Task
    survey: Survey
    load: LoadSpec
    schedule: Schedule
    workers: WorkerPlan
    remarks: tuple[str, ...] = ()
    tokens_per_word: float = 1.0
    remainder: Remainder | None = None
    first: int = 0
    reset: str | None = None

    @property
    def samples(self) -> int:
        """Samples, or conversations, of one round through the data set."""
        return self.survey.samples * self.task.service.repeats

    @property
    def requests(self) -> int:
        """Requests of one round: a conversation has one for each of its turns."""
        return self.survey.requests * self.task.service.repeats

    @property
    def has_turns(self) -> bool:
        """Whether a sample may be several requests, one after the other's reply."""
        return self.requests != self.samples

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that requests have, in the order of their numbers."""
        return self.survey.classes

    @property
    def planned(self) -> int | None:
        """Requests of the whole plan; None = as many as the time allows."""
        if not self.has_turns:
            return self.schedule.planned
        return None if self.schedule.duration_ns is not None else self.requests

    @property
    def left(self) -> int | None:
        """Requests that are still to be sent; None = as many as the time allows."""
        return self.planned if self.remainder is None else len(self.remainder.places)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the data set for readers of the numbers."""
        return tuple(data_notes(self.task, self.survey))

    @property
    def asks_structure(self) -> bool:
        """Whether requests say what the text of their replies has to be."""
        return bool(structured_fields(self.task, self.survey))

    @property
    def row_fields(self) -> str:
        """Which fields of rows beside prompts and lengths are sent, in words; "" = there are none."""
        return row_fields(self.task, self.survey)

    @cached_property
    def _to_send(self) -> Schedule:
        return self.schedule if self.remainder is None else self.remainder.schedule(self.schedule)

    def part(self, share: Share = WHOLE) -> Part:
        """The part of one of several workers. ValueError for a share without anything in flight."""
        schedule = share_of(self._to_send, share)
        return Part(
            share=share,
            schedule=schedule,
            reactor=reactor_options(self.task.service, schedule, self.survey.longest_output),
            planned=self._planned_of(share, schedule),
            left=self._to_send.total,
        )

    def _planned_of(self, share: Share, schedule: Schedule) -> int | None:
        if share.whole:
            return self.planned if self.remainder is None else self._to_send.total
        dealt = not self.workers.shares_queue and not self.has_turns
        return schedule.planned if dealt else None

    def at(self, indices: Iterator[int]) -> Iterator[int]:
        """The places in the whole plan of those that are left."""
        return indices if self.remainder is None else self.remainder.at(indices)

    def places(self, share: Share) -> Iterator[int]:
        """The places in the whole plan that are dealt out to a share."""
        return self.at(places(share, self._to_send.total))

    def changed(self, **changes: Any) -> Self:
        """The plan with what is known only at its start: the simulated service's URL, tokens per word, refused fields,
        the remainder."""
        return replace(self, **changes)

    def record(self) -> dict[str, Any]:
        """The plan as a recording's header holds it; plain JSON."""
        schedule, load = self.schedule, self.load
        return {
            "load": {
                "kind": schedule.kind,
                "arrival": load.shape.name,
                "concurrency": schedule.limit if schedule.limit < NO_LIMIT else None,
                "rate": None if load.shape.rate is None else float(load.shape.rate),
                "burstiness": load.shape.burstiness,
                "shape": write_shape(load.shape),
                "seed": load.seed,
                "duration_ns": schedule.duration_ns,
                "drain_ns": schedule.drain_ns,
                "drop_when_full": schedule.drop_when_full,
                "planned": self.planned,
            },
            "prompts": self._prompts(),
            "workers": asdict(self.workers) | {"reasons": list(self.workers.reasons)},
            "tokens_per_word": self.tokens_per_word,
            "data_notes": list(self.notes),
            **({"classes": list(self.classes)} if self.classes else {}),
        }

    def _prompts(self) -> dict[str, Any]:
        """What makes them the same in two runs, and whether a prefix cache may have them."""
        task = self.task
        return {
            "seed": task.words_seed,
            "named": task.words_seed is not None and task.words_seed != task.fresh_seed,
            # Requests of a session begin as the one before them.
            "cold": None if self.has_turns or self.survey.shares else task.cold,
            "template": self.survey.template,
            "cache_bust": task.cache_bust if task.is_marked else "none",
            **({} if self.reset is None else {"reset": self.reset}),
        }

    def headline(self) -> str:
        """The load in a few words."""
        words = self._words()
        if self.schedule.slots is None:
            return f"open loop, {words}"
        return ", ".join(filter(None, (f"closed loop, {self.schedule.limit:,} in flight", words)))

    def line(self) -> str:
        """The load in words."""
        schedule, words = self.schedule, self._words()
        limit = "without a limit in flight" if schedule.limit >= NO_LIMIT else f"at most {schedule.limit} in flight"
        if schedule.slots is not None:
            return ", ".join(filter(None, ("closed loop", limit, words)))
        last = ""
        if schedule.offsets is not None:
            end_ns = int(schedule.offsets[-1]) if len(schedule.offsets) else 0
            last = f", the last request after {end_ns / 1e9:.3f} s"
        full = ", dropping what is due beyond" if schedule.drop_when_full else ""
        between = " " if schedule.timed_by_data else ", "
        return f"open loop{between}{words}{last}, {limit}{full}"

    def _words(self) -> str:
        shape = self.load.shape
        with SHAPES.blaming(shape.name, "cannot describe itself"):
            words: object = shape.words()
            if not isinstance(words, str):
                raise PluginError(f"its `words` gives {words!r}, not text")
            return words


def make_plan(task: Task, survey: Survey, machine: Machine) -> TaskPlan:
    """The plan of a task whose data set was looked through. Pure: the same arguments make the same plan.

    Raises UsageError for more workers than requests may be in flight, and for a package's load shape that is broken.
    """
    load = load_of(task)
    with SHAPES.blaming(load.shape.name, "has parameters that a recording cannot hold"):
        write_shape(load.shape)
    schedule = load.schedule(survey.samples * task.service.repeats)
    return TaskPlan(
        task=task,
        survey=survey,
        load=load,
        schedule=schedule,
        workers=worker_plan(task.workers, schedule, machine),
        remarks=tuple(remarks(task, survey, schedule, output_length(task.service))),
    )
