"""What a reader of the numbers has to know of the data set that was sent."""

from collections.abc import Iterator

from fastbench.config.plan import Task
from fastbench.datasets.dataset import Survey


def data_notes(task: Task, survey: Survey) -> Iterator[str]:
    """A sentence for each, without its full stop."""
    name = task.dataset.abbr
    if survey.left_out:
        why = ", ".join(f"{count} {reason}" for reason, count in survey.left_out)
        yield f"{name}: {sum(count for _, count in survey.left_out)} conversations of the file are left out: {why}"
    if survey.answered:
        yield (
            f"{name}: {survey.answered} of {survey.samples} prompts end with a message of the assistant, which is sent "
            "as it stands"
        )
