"""What can be known to be wrong, or less than asked, before anything is sent."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fastbench.backends.backend import check_conversations
from fastbench.config.dataset_schema import ConversationConfig
from fastbench.config.output_length import output_length
from fastbench.config.plan import RunConfig, Task
from fastbench.config.service_schema import TAKES_TOKEN_IDS
from fastbench.datasets.dataset import Dataset, Survey, open_dataset
from fastbench.errors import ConfigError, DatasetError, UsageError
from fastbench.fleet.data_notes import data_notes


class Surveyed(NamedTuple):
    """A data set that was opened and read through once."""

    dataset: Dataset
    survey: Survey


class Checked(NamedTuple):
    """The data sets of a run by their names and their services', and what the user should know of them."""

    surveyed: Mapping[tuple[str, str], Surveyed]
    remarks: tuple[str, ...]


def survey_task(task: Task, tokens_per_word: float = 1.0) -> Surveyed:
    """Opens the data set of a task and reads through it. Raises UsageError for one that cannot be used, or that the
    service cannot have."""
    dataset = open_dataset(task.dataset, task.service.path, tokens_per_word)
    survey = dataset.survey(task.num_prompts)
    if survey.token_ids is not None and task.service.type != TAKES_TOKEN_IDS:
        raise DatasetError(
            f"{task.dataset.abbr}: row {survey.token_ids} holds token ids, which {task.service.type} of the model "
            f"{task.service.abbr} does not take; give texts, or a model of type {TAKES_TOKEN_IDS}"
        )
    if isinstance(task.dataset, ConversationConfig):
        check_conversations(task.service, task.dataset.abbr)
    if task.service.use_timestamp and survey.timed < survey.samples:
        raise ConfigError(
            f"use_timestamp (--use-timestamp) of the model {task.service.abbr} is True, but the data set "
            f"{task.dataset.abbr} has time stamps in {survey.timed} of {survey.samples} rows; set it to False, or "
            "take a data set with time stamps"
        )
    return Surveyed(dataset, survey)


def check_datasets(run: RunConfig) -> Checked:
    """Opens and checks every data set. Raises UsageError with all that is wrong, a line each."""
    surveyed: dict[tuple[str, str], Surveyed] = {}
    remarks: dict[str, None] = {}
    faults: dict[str, None] = {}
    for task in run.tasks():
        try:
            # Anew for each service: its tokenizer makes the prompts.
            found = surveyed[task.service.abbr, task.dataset.abbr] = survey_task(task)
        except UsageError as error:
            faults[str(error)] = None
            continue
        remarks |= dict.fromkeys(_remarks(task, found.survey))
    if faults:
        raise DatasetError("\n".join(faults))
    return Checked(surveyed, tuple(remarks))


def _remarks(task: Task, survey: Survey) -> Iterator[str]:
    name = task.dataset.abbr
    if task.num_prompts is not None and survey.samples < task.num_prompts:
        yield f"{name}: the data set has {survey.samples} rows, {task.num_prompts} were asked for"
    yield from data_notes(task, survey)
    length = output_length(task.service)
    if length.fixed is not None and survey.longest_output not in (None, length.fixed):
        yield (
            f"{name}: the output lengths of the data set have no effect, as generation_kwargs[{length.field!r}] "
            f"(--param) asks for {length.fixed} tokens in every request"
        )
    slots, prompts = task.service.batch_size, survey.samples * task.service.repeats
    if _is_closed(task) and prompts < slots:
        what = "conversations" if survey.requests > survey.samples else "requests"
        yield (
            f"{name}: batch_size (--concurrency) is {slots}, but there are {prompts} {what}: "
            f"{slots - prompts} {'slot stays' if slots - prompts == 1 else 'slots stay'} empty"
        )
    if survey.timed and not task.service.use_timestamp:
        yield f"{name}: the data set has time stamps, which have no effect without use_timestamp (--use-timestamp)"


def _is_closed(task: Task) -> bool:
    """Whether each prompt is sent once, as soon as a slot is free."""
    service = task.service
    by_rate = service.request_rate > 0 or service.traffic_cfg.ramp is not None or service.use_timestamp
    return not (by_rate or task.duration or task.pressure or task.profile)
