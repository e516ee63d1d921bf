"""Before anything is sent: the plan of a run, its description, its directory, its launcher, what it resumes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from textwrap import shorten
from typing import TYPE_CHECKING, NamedTuple, Self

from msgspec.structs import replace

from fastbench.api.reuse import differences, find_run, own_config, recorded_seed
from fastbench.config import RunConfig, RunSettings, Task, dump_config
from fastbench.config.services import ServiceConfig
from fastbench.datasets import Sample, SyntheticConfig, open_dataset
from fastbench.dialects import Endpoint, Speaker, known_model, output_length, raw_length
from fastbench.errors import UsageError
from fastbench.options import ARGUMENT, FromNow, Options, names_tasks, run_of_options
from fastbench.plan import RunPlan, Share, TaskPlan, plan_run, plan_task
from fastbench.recording import ROW_DTYPE
from fastbench.run import RunDirectory, log, log_to, this_machine
from fastbench.run.workers import Launcher, RayCluster, Shard, on_this_host
from fastbench.seeds import by_chance, seed_of, short
from fastbench.tokenizer import load_tokenizer
from fastbench.units import format_duration

if TYPE_CHECKING:
    from fastbench.api.judging import Asking
    from fastbench.report import RateChart

# `report` is imported where it is used: the first request must not wait for it.

PLANNED_RATES = "_rps_distribution_plot.html"
LOOKED_AT = 1000
"""Samples whose lengths are read for the plan's description; more would take too long."""
GAP_BYTES = 2
"""What a recording keeps of each output token after the first."""
_FIELDS_SHOWN = 200


class Prepared(NamedTuple):
    """A run that is planned and not yet started. launcher: starts the workers. resumes: the directory has an
    interrupted run; only requests without an outcome are sent."""

    run: RunConfig
    directory: RunDirectory
    plan: RunPlan
    launcher: Launcher = on_this_host
    resumes: bool = False

    @property
    def remarks(self) -> Sequence[str]:
        """Remarks for the user about the plan, a sentence each."""
        return self.plan.remarks

    def in_place(self) -> Self:
        """The same, wherever the current directory is changed to."""
        return self._replace(directory=RunDirectory(self.directory.path.absolute()))

    def write_rate_charts(self) -> None:
        """`<dataset>_rps_distribution_plot.html` of each task that has a rate; RecordingError if it cannot be
        written."""
        for task_plan in self.plan.tasks:
            task, chart = task_plan.task, _rate_chart(task_plan)
            if chart is not None:
                from fastbench.report import replace

                replace(self.directory.results(task) / f"{task.dataset.abbr}{PLANNED_RATES}", chart.page)
                self.log(task, chart.summary)

    def log(self, task: Task, line: str) -> None:
        """A line in the log of a task; with `debug` on standard error."""
        with log_to(None if self.run.debug else self.directory.log(task)):
            log.info("%s", line)


def prepare(run: RunConfig, options: Options | None = None, asking: Asking | None = None) -> Prepared:
    """A run in a new directory. options: what was given, of which `shard`, `start_at`, `ray` and `nodes` say who sends.
    asking: what will be asked of its reports.

    Raises UsageError for tokenizers, data sets, a shard or a cluster that cannot be used, and for a statement about a
    class that there will not be.
    """
    launcher = on_this_host if options is None else _launcher_of(options, run)
    run = replace(run, fresh_seed=None if run.seed is not None else _fresh_seed(options, run))
    plan = plan_of(run)
    if asking is not None:
        asking.check(plan)
    return Prepared(run, new_directory(run), plan, launcher)


def _fresh_seed(options: Options | None, run: RunConfig) -> int | None:
    """By chance; of a shard, of the time at which all of them start, which they have in common and no other run has.
    Raises UsageError where each shard is given that time as so much from now."""
    if options is None or "shard" not in options:
        return by_chance()
    start = options["start_at"]
    if not isinstance(start, FromNow):
        return short(seed_of("start at", start))
    (task,) = replace(run, fresh_seed=0).tasks()
    if task.words_seed == task.fresh_seed:
        raise UsageError(
            f"{options.written('shard')} and a --start-at from now: each shard would make prompts of its own; give all "
            "of them one --seed N, or --start-at as a moment, such as 2026-11-24T12:30:00Z"
        )
    return None


def continued(options: Options) -> Prepared:
    """Resumes the run that `reuse` names. Raises UsageError if its plan differs."""
    named = names_tasks(options)
    run = run_of_options(options).run if named else None
    directory = find_run(options["reuse"], run.work_dir if run else options.get("work_dir", RunSettings().work_dir))
    if run is None:
        run = run_of_options(options.having(ARGUMENT, str(own_config(directory)))).run
    place = RunDirectory(directory)
    run = replace(run, fresh_seed=None if run.seed is not None else recorded_seed(run, place))
    found = [fault for task in run.tasks() for fault in differences(task, place.recording(task))]
    if found:
        raise UsageError("\n".join(f"--reuse {directory.name}: {difference}" for difference in found))
    return Prepared(run, place, plan_of(run), resumes=True)


def plan_of(run: RunConfig) -> RunPlan:
    """The plans of a run's tasks. Raises UsageError for tokenizers and data sets that cannot be used."""
    check_tokenizers(run)
    return plan_run(run, this_machine())


def check_tokenizers(run: RunConfig) -> None:
    """Raises ConfigError for a tokenizer that cannot be used, before a run whose tokens it must count."""
    for path in dict.fromkeys(service.path for service in run.models if service.path):
        load_tokenizer(path)


def new_directory(run: RunConfig) -> RunDirectory:
    """A new directory for a run, with its config. Raises UsageError when none can be made."""
    directory = RunDirectory.create(run.work_dir)
    (directory.path / "configs" / f"{directory.path.name}.py").write_text(dump_config(run), encoding="utf-8")
    return directory


def _launcher_of(options: Options, run: RunConfig) -> Launcher:
    """The launcher that the options select. Raises UsageError for a share or a cluster that cannot be had."""
    if "ray" in options:
        if any(service.mock is not None for service in run.models):
            raise UsageError("--ray and --mock: the nodes cannot reach a simulated service on this host; give a --url")
        cluster = RayCluster(options["ray"], options["nodes"])
        cluster.check()
        return cluster
    return _shard(options, run) if "shard" in options else on_this_host


def _shard(options: Options, run: RunConfig) -> Shard:
    number, of = options["shard"]
    asked = f"{options.written('shard')} {number}/{of}"
    if options["start_at"] <= time.time_ns():
        raise UsageError("--start-at has passed; give all shards a time by which all are ready")
    tasks = run.tasks()
    if len(tasks) != 1:
        raise UsageError(f"{asked} needs a run of one task, and this run has {len(tasks)}")
    (task,) = tasks
    if task.workers not in (1, "auto"):
        raise UsageError(
            f"{asked} and workers (--workers) {task.workers}: a shard is sent by one process; leave --workers out "
            "and start more shards"
        )
    if task.service.mock is not None:
        raise UsageError(f"{asked} and --mock: all shards must use one service; start `fastbench mock`, give its --url")
    return Shard(Share(number, of), int(options["start_at"]))


def _rate_chart(plan: TaskPlan) -> RateChart | None:
    schedule = plan.schedule
    opening = schedule.slots.openings if schedule.slots is not None and plan.load.shape.opens_clients else None
    moments = schedule.offsets if schedule.slots is None else opening
    if moments is None:
        return None
    from fastbench.report import planned_chart

    return planned_chart(moments, plan.record()["load"], plan.task.name)


class Described(NamedTuple):
    """The plan of a task in words: (what, how much) by row. number: of the task in its run, from 1."""

    number: int
    name: str
    rows: Sequence[tuple[str, str]]


def describe(run: RunConfig) -> Iterator[Described]:
    """Describes the tasks of a run; nothing is sent, and no service is contacted. Raises UsageError with all faults,
    after the other tasks."""
    check_tokenizers(run)
    faults: list[str] = []
    for number, task in enumerate(run.tasks(), 1):
        try:
            described = Described(number, task.name, tuple(_rows(task)))
        except UsageError as error:
            faults.append(str(error))
        else:
            yield described
    if faults:
        raise UsageError("\n".join(dict.fromkeys(faults)))


def _rows(task: Task) -> Iterator[tuple[str, str]]:
    dataset = open_dataset(task.dataset, task.service.path)
    plan = plan_task(task, dataset, this_machine())
    rows = plan.survey.samples
    inputs, outputs = _lengths(islice(dataset.samples(), min(rows, LOOKED_AT)), task.service)
    partly = rows > LOOKED_AT
    yield "Service", _service(task)
    yield "Model", _model(task)
    yield "Requests", f"{_requests(plan)}, after {_count(task.num_warmups, 'warm-up request')}"
    yield "Input tokens", _spread(inputs, partly)
    if seed := _seed(task):
        yield "Seed", seed
    yield (
        "Output tokens",
        _spread(outputs, partly) if outputs else "as many as the service sends: no length is asked for",
    )
    yield "Schedule", plan.line()
    yield "Workers", "; ".join((str(plan.workers.count), *plan.workers.reasons))
    yield "Recording", _recording(outputs, plan)
    if plan.classes:
        yield "Classes", shorten(", ".join(plan.classes), _FIELDS_SHOWN, placeholder=" ...")
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
        return f"a built-in simulated service, {speaker.path} ({how})"
    return f"{endpoint.scheme}://{endpoint.authority}{speaker.path} ({how})"


def _model(task: Task) -> str:
    name = known_model(task.service)
    return "the first one that the service lists" if name is None else name or "not named in the requests"


def _seed(task: Task) -> str:
    """Of made prompts, or markers, in words; "" = there are neither."""
    if task.words_seed is not None:
        return str(task.words_seed)
    is_new = task.dataset.with_words(0, named=False) != task.dataset
    return "a new one for each run; --seed N sends the same prompts again" if is_new else ""


def _requests(plan: TaskPlan) -> str:
    schedule = plan.schedule
    if schedule.duration_ns is not None and schedule.timed_by_data:
        samples = _count(plan.samples, "sample")
        return f"those of the {samples} of the data set that begin within {format_duration(schedule.duration_ns)}"
    if schedule.duration_ns is not None:
        data = f"the {_count(plan.samples, 'sample')} of the data set again and again"
        if isinstance(plan.task.dataset, SyntheticConfig):
            data = "new prompts, one after the other"
        return f"as many as fit into {format_duration(schedule.duration_ns)}: {data}"
    if plan.has_turns:
        return f"{plan.requests} in {_count(plan.samples, 'conversation')}"
    return str(plan.requests if schedule.total is None else schedule.total)


def _lengths(samples: Iterable[Sample], service: ServiceConfig) -> tuple[list[int], list[int]]:
    """Prompt tokens, where known, and requested output tokens of each request that asks for a number."""
    length, of_whole = output_length(service), raw_length(service)
    inputs: list[int] = []
    outputs: list[int] = []
    for sample in samples:
        if sample.input_len is not None:
            inputs.append(sample.input_len)
        for request in sample.turns or (sample,):
            is_whole = request.raw is not None and request.raw.body
            asked = (of_whole or request.output_len) if is_whole else length.of(request.output_len)
            outputs += [asked] if asked else []
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
