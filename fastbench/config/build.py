"""The names that a config file or the options set → a `RunConfig`."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from fastbench.config.check import check_fields
from fastbench.config.dataset import build_dataset
from fastbench.config.dataset_schema import DatasetConfig
from fastbench.config.fields import Count, Frozen, Text
from fastbench.config.issues import Issues
from fastbench.config.plan import RunConfig
from fastbench.config.service import build_service
from fastbench.config.service_schema import ServiceConfig
from fastbench.config.summarizer import build_stats

Item = TypeVar("Item", bound=ServiceConfig | DatasetConfig)


class _Settings(Frozen, frozen=True, kw_only=True):
    work_dir: Text = "outputs/default"
    num_prompts: Count | None = None
    num_warmups: Annotated[int, Meta(ge=0, le=1_000_000)] = 1


SETTINGS = ("models", "datasets", "summarizer", *_Settings.__struct_fields__)
"""Every name that a config sets a run with."""


def build_run(
    raw: Mapping[str, Any], source: str, *, file: str | None = None, labels: Mapping[str, str] | None = None
) -> RunConfig:
    """The run that `raw` (of `SETTINGS`) describes.

    source: how messages name where `raw` came from; file: the config file, for the record; labels: path of a
    field to the option that set it. Raises one ConfigError that names every bad field.
    """
    issues = Issues(source, labels)
    models = _items(raw, "models", build_service, issues)
    datasets: list[DatasetConfig] = _items(raw, "datasets", build_dataset, issues)
    stats = build_stats(raw.get("summarizer", {}), issues)
    plain = {name: value for name, value in raw.items() if name in _Settings.__struct_fields__}
    settings = _Settings(**check_fields(_Settings, plain, "", issues))
    issues.check()
    return RunConfig(
        models=tuple(models),
        datasets=tuple(datasets),
        work_dir=settings.work_dir,
        num_prompts=settings.num_prompts,
        num_warmups=settings.num_warmups,
        stats=stats,
        source=file,
    )


def _items(
    raw: Mapping[str, Any],
    name: str,
    build_item: Callable[[object, str, Issues], Item | None],
    issues: Issues,
) -> list[Item]:
    items = raw.get(name)
    if name not in raw:
        issues.missing(name, "a list of at least one dict")
        return []
    if not isinstance(items, list | tuple):
        issues.wrong(name, items, "a list of dicts")
        return []
    if not items:
        issues.add(name, "is empty; name at least one")
    built = [build_item(item, f"{name}[{index}]", issues) for index, item in enumerate(items)]
    whole = [item for item in built if item is not None]
    for abbr, times in Counter(item.abbr for item in whole).items():
        if times > 1:
            issues.add(name, f"has {times} items with the abbr {abbr!r}; give each its own")
    return whole
