"""The settings of a run: pairs of model and data set, load, report."""

from typing import Annotated, Any, Literal, Self

from msgspec import Meta, field, structs

from fastbench.config.answers import AnswerSettings
from fastbench.config.dataset import DatasetConfig
from fastbench.config.fields.check import Count, Interval, Length, Pause, Seed, Text
from fastbench.config.profile import ProfileStage
from fastbench.config.services.schema import ServiceConfig
from fastbench.config.shown import DEFAULT_STATS
from fastbench.seeds import seed_of_task
from fastbench.units import NS_PER_S, Duration

MAX_PRESSURE_TIME = Duration(86_400 * NS_PER_S)


Workers = Annotated[
    Annotated[int, Meta(ge=1, le=1024)] | Literal["auto"],
    Meta(extra_json_schema={"description": 'a whole number from 1 to 1024, or "auto"'}),
]


class LoadSettings(AnswerSettings, frozen=True, kw_only=True):
    """The load of every task, from a config or options."""

    num_prompts: Count | None = None
    """The most samples to send; None = the whole data set."""
    num_warmups: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    """Requests before the measured ones, not in the report."""
    pressure: bool = False
    """Add clients at `request_rate` up to `batch_size`, each with its next request at once, for `pressure_time`."""
    pressure_time: Duration = Duration(15 * NS_PER_S)
    """Duration of `pressure`, at most 24 h."""
    duration: Duration | None = None
    """When to stop sending, since the first request; until then made prompts go on, and rows of a file
    except traces are repeated. None = at its end."""
    drain: Duration | None = None
    """How long to wait for requests in flight after the last send; None = to their end."""
    workers: Workers = "auto"
    """Processes that share the load of a task; "auto" = as many as the requests in flight need on this machine."""
    pin: bool = False
    """Pin each worker's sending thread to a processor of its own."""
    profile: tuple[ProfileStage, ...] = ()
    """Rates or concurrencies, one after the other, in the place of `request_rate` and `batch_size`."""
    load: Annotated[Any, Meta(extra_json_schema={"description": "a dict with type, the name of a load shape"})] = None
    """A load shape with its parameters, in the place of `request_rate` and `profile`; None = those decide."""
    arrival_seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """Seed of the send times; the same seed gives the same times."""
    seed: Seed | None = None
    """Seed of the words of made prompts and of markers, to send the same ones again; None = new ones for each run."""
    fresh_seed: Seed | None = None
    """The one that a run made for itself; `--reuse` goes on with it, and any other run makes another."""
    cache_bust: Annotated[
        Literal["first-turn", "system", "none"],
        Meta(extra_json_schema={"description": '"first-turn", "system" or "none"'}),
    ] = "none"
    """Where prompts of a file get a marker of their own, so that no prefix cache has them: in front of the first user
    message, of all messages, or nowhere."""
    max_context: Length | None = None
    """The most tokens of a prompt and its reply together; what may be longer is refused before anything is sent. None =
    no limit."""
    trace_speed: Annotated[float, Meta(ge=0.001, le=1_000_000)] = 1.0
    """With `use_timestamp`: how many times as fast as the trace."""
    think_time: Pause = Pause(0)
    """Pause before the next turn of a conversation."""
    warmup_data: Annotated[
        Literal["synthetic", "dataset"], Meta(extra_json_schema={"description": '"synthetic" or "dataset"'})
    ] = "synthetic"
    """Prompts of warm-up requests: synthetic ones of their own, or the data set's first rows."""
    warmup_input_len: Length | None = None
    """Prompt tokens of synthetic warm-up requests; None = as the measured ones."""
    warmup_output_len: Length | None = None
    """Output tokens of warm-up requests; None = as the measured ones."""
    on_full: Annotated[Literal["wait", "drop"], Meta(extra_json_schema={"description": '"wait" or "drop"'})] = "wait"
    """Open loop: whether a request that is due while `batch_size` are in flight waits or is dropped."""
    service_metrics: Interval | None = None
    """How often the service's /metrics is read during the run; None = never."""
    spec_decode: bool = False
    """Report the service's speculative decoding from its /metrics, before the warm-up and after the run."""


class RunSettings(LoadSettings, frozen=True, kw_only=True):
    """Settings of the run as a whole, from a config or options."""

    work_dir: Text = "outputs/default"
    """Where the run's directory is made."""
    max_num_workers: Annotated[int, Meta(ge=1, le=1024)] = 1
    """Tasks that run at once."""
    debug: bool = False
    """Log to the terminal instead of logs/, and run one task at a time."""


COMBINATIONS = "model_dataset_combinations"
SETTINGS = ("models", "datasets", COMBINATIONS, "summarizer", *RunSettings.__struct_fields__)
"""Every name that a config sets a run with."""


class Task(LoadSettings, frozen=True, kw_only=True):
    """One model with one data set: one recording, one pair of tables."""

    service: ServiceConfig
    dataset: DatasetConfig
    stats: tuple[str, ...] = DEFAULT_STATS
    stage: str = "total"
    left_out: dict[str, str] = field(default_factory=dict)
    """Fields of the body that the service refused at the warm-up, with its message: they are not sent."""

    @property
    def sent(self) -> ServiceConfig:
        """The service without the refused fields."""
        return self.service.without(self.left_out) if self.left_out else self.service

    @property
    def cold(self) -> int | None:
        """The tokens at their start that prompts may have in common with others, as was asked for; None = the plan does
        not promise that the service has not seen the rest before."""
        if self.fresh_seed is None or self.service.repeats > 1 or self.dataset.multi_turn:
            return None
        if self.is_marked:
            return 0 if self.cache_bust == "system" else None
        if self.warmup_data == "dataset" and self.dataset.alike(1) is None:
            return None  # its first rows are sent twice
        return self.dataset.common_prefix(self.fresh_seed)

    @property
    def is_marked(self) -> bool:
        """Whether prompts get markers."""
        return self.cache_bust != "none" and not self.dataset.makes_prompts

    @property
    def words_seed(self) -> int | None:
        """The seed of made words, or of markers; None = there are neither."""
        if not self.is_marked:
            return self.dataset.made_by
        return (self.fresh_seed or 0) if self.seed is None else self.seed

    @property
    def name(self) -> str:
        """`model/dataset`, as in the report's headings."""
        return f"{self.service.abbr}/{self.dataset.abbr}"


class RunConfig(RunSettings, frozen=True, kw_only=True):
    """A checked config: all that a run needs to know."""

    models: tuple[ServiceConfig, ...]
    datasets: tuple[DatasetConfig, ...]
    pairs: tuple[tuple[str, str], ...] | None = None
    """The abbrs of the models and data sets that meet; None = each model meets each data set."""
    stats: tuple[str, ...] = DEFAULT_STATS
    stage: str = "total"
    source: str | None = None
    """The config file; None = the settings came from options or named tasks."""

    @property
    def tasks_at_once(self) -> int:
        """Tasks that run at once: with `debug` one after the other, so that their logs do not mix."""
        return 1 if self.debug else self.max_num_workers

    @classmethod
    def of_task(cls, task: Task) -> Self:
        """The run that consists of `task`."""
        return cls(
            models=(task.service,),
            datasets=(task.dataset,),
            stats=task.stats,
            stage=task.stage,
            **_load(task),
        )

    def tasks(self) -> list[Task]:
        """Each model with each data set, model by model, or the pairs, in the config's order; each with prompts of its
        own."""
        models = {model.abbr: model for model in self.models}
        datasets = {dataset.abbr: dataset for dataset in self.datasets}
        pairs = [(model, dataset) for model in models for dataset in datasets] if self.pairs is None else self.pairs
        return [self._task(number, models[model], datasets[dataset]) for number, (model, dataset) in enumerate(pairs)]

    def _task(self, number: int, service: ServiceConfig, dataset: DatasetConfig) -> Task:
        seeds = {
            name: None if seed is None else seed_of_task(seed, number)
            for name, seed in (("seed", self.seed), ("fresh_seed", self.fresh_seed if self.seed is None else None))
        }
        for name, seed in seeds.items():
            if seed is not None:
                dataset = dataset.with_words(seed, named=name == "seed")
        load = _load(self) | seeds
        return Task(service=service, dataset=dataset, stats=self.stats, stage=self.stage, **load)


def _load(settings: LoadSettings) -> dict[str, Any]:
    return {field.name: getattr(settings, field.name) for field in structs.fields(LoadSettings)}
