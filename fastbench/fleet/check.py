"""What can be known to be wrong, or less than asked, before anything is sent."""

from collections.abc import Mapping
from typing import NamedTuple

from fastbench.config.plan import RunConfig, Task
from fastbench.datasets.dataset import Dataset, Survey, open_dataset
from fastbench.errors import DatasetError, UsageError


class Surveyed(NamedTuple):
    """A data set that was opened and read through once."""

    dataset: Dataset
    survey: Survey


class Checked(NamedTuple):
    """The data sets of a run by their names and their services', and a remark on each that is shorter than asked."""

    surveyed: Mapping[tuple[str, str], Surveyed]
    remarks: tuple[str, ...]


def survey_task(task: Task, tokens_per_word: float = 1.0) -> Surveyed:
    """Opens the data set of a task and reads through it. Raises UsageError."""
    dataset = open_dataset(task.dataset, task.service.path, tokens_per_word)
    return Surveyed(dataset, dataset.survey(task.num_prompts))


def check_datasets(run: RunConfig) -> Checked:
    """Opens and checks every data set. Raises UsageError with all that is wrong, a line each."""
    surveyed: dict[tuple[str, str], Surveyed] = {}
    remarks: dict[str, str] = {}
    faults: dict[str, None] = {}
    for task in run.tasks():
        try:
            # Anew for each service: its tokenizer makes the prompts.
            found = surveyed[task.service.abbr, task.dataset.abbr] = survey_task(task)
        except UsageError as error:
            faults[str(error)] = None
            continue
        survey = found.survey
        if task.num_prompts is not None and survey.samples < task.num_prompts:
            name = task.dataset.abbr
            remarks[name] = f"{name}: the data set has {survey.samples} rows, {task.num_prompts} were asked for"
    if faults:
        raise DatasetError("\n".join(faults))
    return Checked(surveyed, tuple(remarks.values()))
