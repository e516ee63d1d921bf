"""`fastbench perf --dry-run`: what a run would do. Nothing is sent, and no service is looked for."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from textwrap import shorten

import click

from fastbench.api import check_tokenizers
from fastbench.config import RunConfig, Task
from fastbench.datasets import Sample, open_dataset
from fastbench.dialects import Endpoint, OutputLength, Speaker, known_model, output_length
from fastbench.errors import UsageError
from fastbench.plan import TaskPlan, plan_task
from fastbench.recording import ROW_DTYPE
from fastbench.run import this_machine
from fastbench.units import format_duration

LOOKED_AT = 1000
"""Samples whose lengths are looked at: a plan is to be seen at once, and long prompts take their time."""
GAP_BYTES = 2
"""What a recording keeps of each output token after the first."""
_WIDTH = 16
_FIELDS_SHOWN = 200


def print_plan(run: RunConfig) -> int:
    """Prints each task of `run`; returns the exit code. Raises UsageError for what could not be used in the run."""
    check_tokenizers(run)
    tasks = run.tasks()
    faults: list[str] = []
    for number, task in enumerate(tasks, 1):
        try:
            rows = list(_rows(task))
        except UsageError as error:
            faults.append(str(error))
            continue
        click.echo(f"Task {number} of {len(tasks)}: {task.name}")
        for name, value in rows:
            click.echo(f"  {name:<{_WIDTH}}{value}")
    if faults:
        raise UsageError("\n".join(dict.fromkeys(faults)))
    at_once = f", {run.tasks_at_once} at once" if run.tasks_at_once > 1 else ""
    click.echo(f"{_count(len(tasks), 'task')}{at_once}; results would go to a new directory in {run.work_dir}.")
    click.echo("Nothing was sent.")
    return 0


def _rows(task: Task) -> Iterator[tuple[str, str]]:
    dataset = open_dataset(task.dataset, task.service.path)
    plan = plan_task(task, dataset, this_machine())
    rows = plan.survey.samples
    inputs, outputs = _lengths(islice(dataset.samples(), min(rows, LOOKED_AT)), output_length(task.service))
    partly = rows > LOOKED_AT
    yield "Service", _service(task)
    yield "Model", _model(task)
    yield "Requests", f"{_requests(plan)}, after {_count(task.num_warmups, 'warm-up request')}"
    yield "Input tokens", _spread(inputs, partly)
    yield (
        "Output tokens",
        _spread(outputs, partly) if outputs else "as many as the service sends: no length is asked for",
    )
    yield "Schedule", plan.line()
    yield "Workers", "; ".join((str(plan.workers.count), *plan.workers.reasons))
    yield "Recording", _recording(outputs, plan)
    if plan.row_fields:
        yield "Fields of rows", shorten(plan.row_fields, _FIELDS_SHOWN, placeholder=" ...")
    for note in plan.notes:
        yield "Note", note


def _service(task: Task) -> str:
    service = task.service
    endpoint = Endpoint.parse(service)
    speaker = Speaker(service, known_model(service) or "", endpoint.authority, endpoint.base_path)
    how = f"{speaker.name}, {'as a stream' if speaker.stream else 'without a stream'}"
    if service.mock is not None:
        return f"an embedded simulated service, {speaker.path} ({how})"
    return f"{endpoint.scheme}://{endpoint.authority}{speaker.path} ({how})"


def _model(task: Task) -> str:
    name = known_model(task.service)
    return "the first one that the service lists" if name is None else name or "not named in the requests"


def _requests(plan: TaskPlan) -> str:
    schedule = plan.schedule
    if schedule.duration_ns is not None and schedule.timed_by_data:
        samples = _count(plan.samples, "sample")
        return f"those of the {samples} of the data set that begin within {format_duration(schedule.duration_ns)}"
    if schedule.duration_ns is not None:
        data = f"the {_count(plan.samples, 'sample')} of the data set again and again"
        return f"as many as fit into {format_duration(schedule.duration_ns)}: {data}"
    if plan.has_turns:
        return f"{plan.requests} in {_count(plan.samples, 'conversation')}"
    return str(plan.requests if schedule.total is None else schedule.total)


def _lengths(samples: Iterable[Sample], length: OutputLength) -> tuple[list[int], list[int]]:
    """Prompt tokens where they are known, and output tokens asked for, of each request."""
    inputs: list[int] = []
    outputs: list[int] = []
    for sample in samples:
        if sample.input_len is not None:
            inputs.append(sample.input_len)
        asked = [turn.output_len for turn in sample.turns] or [sample.output_len]
        outputs += filter(None, map(length.of, asked))
    return inputs, outputs


def _spread(lengths: Sequence[int], partly: bool) -> str:
    if not lengths:
        return "known when the service has counted them"
    mean = sum(lengths) / len(lengths)
    seen = f" (of the first {LOOKED_AT} samples)" if partly else ""
    return f"min {min(lengths)}, mean {mean:.1f}, max {max(lengths)}{seen}"


def _recording(outputs: Sequence[int], plan: TaskPlan) -> str:
    each = ROW_DTYPE.itemsize + GAP_BYTES * sum(outputs) / max(len(outputs), 1)
    if plan.schedule.duration_ns is not None:
        return f"about {format_bytes(each)} a request"
    return f"about {format_bytes(each * plan.requests)}, and some kB a second of the run"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def format_bytes(size: float) -> str:
    """In the largest decimal unit that leaves a number of at least 1."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
