"""What a reader of the numbers has to know of the data set that was sent."""

from collections.abc import Iterator

from fastbench.config.plan import Task
from fastbench.config.request_fields import EXTRA, OF_THE_RUN, PARAMETERS, not_taken
from fastbench.datasets.dataset import Counts, Survey

_KNOWN = PARAMETERS | OF_THE_RUN | {EXTRA}


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
