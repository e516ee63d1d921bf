"""What a run does: every model with every data set, and how it is reported."""

from msgspec import Struct

from fastbench.config.dataset_schema import DatasetConfig
from fastbench.config.fields import Frozen
from fastbench.config.service_schema import ServiceConfig
from fastbench.config.stats import DEFAULT_STATS


class Task(Struct, frozen=True, kw_only=True):
    """One model with one data set: one recording, one pair of tables."""

    service: ServiceConfig
    dataset: DatasetConfig
    num_prompts: int | None
    """The most samples to send; None = the whole data set."""
    num_warmups: int
    stats: tuple[str, ...]

    @property
    def name(self) -> str:
        """`model/dataset`, as in the report's headings."""
        return f"{self.service.abbr}/{self.dataset.abbr}"


class RunConfig(Frozen, frozen=True, kw_only=True):
    """A checked config: all that a run needs to know."""

    models: tuple[ServiceConfig, ...]
    datasets: tuple[DatasetConfig, ...]
    work_dir: str = "outputs/default"
    num_prompts: int | None = None
    num_warmups: int = 1
    stats: tuple[str, ...] = DEFAULT_STATS
    source: str | None = None
    """The config file; None = the settings came from options alone."""

    def tasks(self) -> list[Task]:
        """Each model with each data set, model by model, in the config's order."""
        return [
            Task(
                service=service,
                dataset=dataset,
                num_prompts=self.num_prompts,
                num_warmups=self.num_warmups,
                stats=self.stats,
            )
            for service in self.models
            for dataset in self.datasets
        ]
