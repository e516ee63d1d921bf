"""What the user should know of a plan before it is carried out, and a reader of its numbers afterwards."""

from collections.abc import Iterator

from fastbench.config import Task
from fastbench.config.fields import EXTRA, OF_THE_RUN, PARAMETERS
from fastbench.datasets import Counts, Survey
from fastbench.dialects import OutputLength, not_taken
from fastbench.plan.shapes import Schedule

_KNOWN = PARAMETERS | OF_THE_RUN | {EXTRA}


def remarks(task: Task, survey: Survey, schedule: Schedule, length: OutputLength) -> Iterator[str]:
    """Where a run will do less or other than its settings may be read to say; a sentence each, without its
    full stop."""
    name = task.dataset.abbr
    if task.num_prompts is not None and survey.samples < task.num_prompts:
        yield f"{name}: the data set has {survey.samples} rows, {task.num_prompts} were asked for"
    yield from data_notes(task, survey)
    if length.fixed is not None and survey.longest_output not in (None, length.fixed):
        yield (
            f"{name}: the output lengths of the data set have no effect, as generation_kwargs[{length.field!r}] "
            f"(--param) asks for {length.fixed} tokens in every request"
        )
    slots, prompts = task.service.batch_size, survey.samples * task.service.repeats
    if schedule.slots is not None and schedule.duration_ns is None and prompts < slots:
        what = "conversations" if survey.requests > survey.samples else "requests"
        yield (
            f"{name}: batch_size (--concurrency) is {slots}, but there are {prompts} {what}: "
            f"{slots - prompts} {'slot stays' if slots - prompts == 1 else 'slots stay'} empty"
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
        told = ", ".join(f"{field} ({count})" for field, count in unsent)
        yield f"{name}: fields of rows that could change their requests are not sent, by the number of rows: {told}"
    if survey.answered:
        yield (
            f"{name}: {survey.answered} of {survey.samples} prompts end with a message of the assistant, which is sent "
            "as it stands"
        )


def row_fields(task: Task, survey: Survey) -> str:
    """Which fields of rows beside prompts and lengths are sent, and which are not, as a plan tells it; "" = none."""
    refused = not_taken(task.service.type)
    sent = [name for name, _ in survey.fields if name not in refused]
    rest = [name for name, _ in (*survey.fields, *survey.unused) if name not in sent]
    told = (f"sent: {', '.join(sent)}" if sent else "", f"not sent: {', '.join(rest)}" if rest else "")
    return "; ".join(filter(None, told))


def _unsent(task: Task, survey: Survey) -> Counts:
    refused = not_taken(task.service.type)
    return (
        *((name, count) for name, count in survey.fields if name in refused),
        *((name, count) for name, count in survey.unused if name in _KNOWN),
    )
