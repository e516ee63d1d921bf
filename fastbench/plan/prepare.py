"""The plans of a run: every data set is opened and looked through, so that what is known to be wrong is never sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from fastbench.config import RunConfig, Task
from fastbench.config.services import TAKES_TOKEN_IDS
from fastbench.datasets import Dataset, RowsDataset, Sample, Survey, open_dataset
from fastbench.dialects import RawCheck, check_conversations, check_requests, dialect_of, output_length
from fastbench.errors import ConfigError, DatasetError, UsageError
from fastbench.plan.sharing import Machine
from fastbench.plan.task_plan import TaskPlan, make_plan
from fastbench.structured import StructureError, constraints_of


class RunPlan(NamedTuple):
    """The plans of a run's tasks in its order, and their data sets by the names of model and data set."""

    tasks: tuple[TaskPlan, ...]
    datasets: Mapping[tuple[str, str], Dataset]

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks for the user before anything is sent, each sentence once."""
        return tuple(dict.fromkeys(remark for plan in self.tasks for remark in plan.remarks))

    def dataset_of(self, task: Task) -> Dataset:
        """The opened data set of one of the tasks."""
        return self.datasets[task.service.abbr, task.dataset.abbr]


def plan_run(run: RunConfig, machine: Machine) -> RunPlan:
    """Plans every task. Raises UsageError with all that is wrong, a line each."""
    plans: list[TaskPlan] = []
    datasets: dict[tuple[str, str], Dataset] = {}
    faults: dict[str, UsageError] = {}
    for task in run.tasks():
        try:
            # Anew for each service: its tokenizer makes the prompts.
            dataset = datasets[task.service.abbr, task.dataset.abbr] = open_dataset(task.dataset, task.service.path)
            plans.append(plan_task(task, dataset, machine))
        except UsageError as error:
            faults.setdefault(str(error), error)
    if faults:
        # Of one kind only where all are.
        kind, *others = dict.fromkeys(map(type, faults.values()))
        raise (UsageError if others else kind)("\n".join(faults))
    return RunPlan(tuple(plans), datasets)


def plan_task(task: Task, dataset: Dataset, machine: Machine) -> TaskPlan:
    """Looks through the data set of a task and plans it. Raises UsageError for one that cannot be used, or that the
    service cannot have."""
    survey = _survey(task, dataset)
    for fault in _faults(task, survey):
        raise fault
    check_requests(task.service, map(_first, islice(dataset.samples(), survey.samples)))
    return make_plan(task, survey, machine)


def _survey(task: Task, dataset: Dataset) -> Survey:
    """Rows that are whole requests are looked at with the eyes of the service that they go to."""
    if not isinstance(dataset, RowsDataset):
        return dataset.survey(task.num_prompts)
    check = RawCheck(task.service)
    return dataset.survey(task.num_prompts, lambda row: check.fault(*row))


def _first(sample: Sample) -> Sample:
    """What the first request of a sample is made of."""
    if not sample.turns:
        return sample
    if sample.turns[0].raw is not None:
        return replace(sample, raw=sample.turns[0].raw, turns=())
    history = sample.prompt if isinstance(sample.prompt, list) else []
    return replace(sample, prompt=[*history, *sample.turns[0].messages])


def _faults(task: Task, survey: Survey) -> Iterator[UsageError]:
    if survey.token_ids is not None and "token_ids" not in dialect_of(task.service).takes:
        yield DatasetError(
            f"{task.dataset.abbr}: row {survey.token_ids} holds token ids, which {task.service.type} of the model "
            f"{task.service.abbr} does not take; give texts, or a model of type {TAKES_TOKEN_IDS}"
        )
    if survey.parts is not None and "messages" not in dialect_of(task.service).takes:
        yield DatasetError(
            f"{task.dataset.abbr}: row {survey.parts} holds a message that is not text, but {task.service.type} of the "
            f"model {task.service.abbr} takes text; use type openai_chat (--api chat)"
        )
    try:
        constraints_of(task.service.parameters)
    except StructureError as error:
        yield ConfigError(f"generation_kwargs (--param) of the model {task.service.abbr} {error}; correct or remove it")
    yield from _too_long(task, survey)
    if task.dataset.multi_turn:
        check_conversations(task.service, task.dataset.abbr)
    if task.service.use_timestamp and survey.timed < survey.samples:
        yield ConfigError(
            f"use_timestamp (--use-timestamp) of the model {task.service.abbr} is True, but the data set "
            f"{task.dataset.abbr} has time stamps in {survey.timed} of {survey.samples} rows; set it to False (with "
            "--trace: give --rate or --load), or take a data set with time stamps"
        )


def _too_long(task: Task, survey: Survey) -> Iterator[UsageError]:
    """Where a request may have more tokens than the run's `max_context`."""
    length, most = output_length(task.service), task.max_context
    for one in survey.extents:
        output = length.of(one.output_len) or 0
        if most is not None and one.input_len + output > most:
            where = one.place if one.sample is not None else f"{task.dataset.abbr}: {one.place}"
            yield DatasetError(
                f"{where}: a prompt of {one.input_len} tokens and a reply of {output} are "
                f"{one.input_len + output}, and max_context (--max-context) is {most}; ask for less, leave it out, or "
                "raise the limit"
            )
