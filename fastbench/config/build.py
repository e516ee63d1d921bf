"""The names that a config file or the options set → a `RunConfig`."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import structs

from fastbench.config.check import check_fields
from fastbench.config.combinations import NAME as COMBINATIONS
from fastbench.config.combinations import build_pairs
from fastbench.config.dataset import build_dataset
from fastbench.config.dataset_schema import DatasetConfig, SyntheticConfig
from fastbench.config.issues import Issues, nearest
from fastbench.config.plan import MAX_PRESSURE_TIME, RunConfig, RunSettings
from fastbench.config.profile import build_profile
from fastbench.config.redactor import KNOWN
from fastbench.config.service import build_service
from fastbench.config.service_schema import TAKES_TOKEN_IDS, ServiceConfig
from fastbench.config.summarizer import build_summarizer
from fastbench.units import NS_PER_S

Item = TypeVar("Item", bound=ServiceConfig | DatasetConfig)

SETTINGS = ("models", "datasets", COMBINATIONS, "summarizer", *RunSettings.__struct_fields__)
"""Every name that a config sets a run with."""


def build_run(
    raw: Mapping[str, Any], source: str, *, file: str | None = None, labels: Mapping[str, str] | None = None
) -> RunConfig:
    """The run that `raw` (of `SETTINGS`) describes; another name in it is a misspelled one.

    source: how messages name where `raw` came from; file: the config file, for the record; labels: path of a
    field to the option, or the place in another file, that set it. Raises one ConfigError that names every bad field.
    """
    KNOWN.learn_in(raw)
    issues = Issues(source, labels)
    meant = {name: nearest(name, SETTINGS) for name in raw if name not in SETTINGS}
    for name, setting in meant.items():
        issues.add(name, f"is not a setting; did you mean {setting}?")
    told = set(meant.values())
    models = _items(raw, "models", build_service, issues, told)
    datasets: list[DatasetConfig] = _items(raw, "datasets", build_dataset, issues, told)
    shown = build_summarizer(raw.get("summarizer", {}), issues)
    plain = {name: value for name, value in raw.items() if name in RunSettings.__struct_fields__}
    plain["profile"] = build_profile(plain.get("profile", ()), issues)
    settings = RunSettings(**check_fields(RunSettings, plain, "", issues))
    if settings.pressure_time > MAX_PRESSURE_TIME:
        issues.wrong("pressure_time", raw["pressure_time"], f"at most {MAX_PRESSURE_TIME // NS_PER_S} seconds")
    pairs = None
    # Where an item is bad, its abbr is not known.
    if raw.get(COMBINATIONS) is not None and not len(issues):
        pairs = build_pairs(raw[COMBINATIONS], [m.abbr for m in models], [d.abbr for d in datasets], issues)
    if not len(issues):
        _check_ids(models, datasets, pairs, issues)
    issues.check()
    return RunConfig(
        models=tuple(models),
        datasets=tuple(datasets),
        pairs=pairs,
        stats=shown.stats,
        stage=shown.stage,
        source=file,
        **structs.asdict(settings),
    )


def _check_ids(
    models: Sequence[ServiceConfig],
    datasets: Sequence[DatasetConfig],
    pairs: Collection[tuple[str, str]] | None,
    issues: Issues,
) -> None:
    """Prompts that are made as token ids go to services that take ids. (Of a file only its rows can tell.)"""
    for index, dataset in enumerate(datasets):
        if not isinstance(dataset, SyntheticConfig) or not dataset.as_ids:
            continue
        for model in models:
            meet = pairs is None or (model.abbr, dataset.abbr) in pairs
            if meet and model.type != TAKES_TOKEN_IDS:
                issues.add(
                    f"datasets[{index}].as_ids",
                    f"is True, but {model.type} of the model {model.abbr} takes no token ids; "
                    f"leave it out, or use type {TAKES_TOKEN_IDS} (--api completions)",
                )


def _items(
    raw: Mapping[str, Any],
    name: str,
    build_item: Callable[[object, str, Issues], Item | None],
    issues: Issues,
    told: Collection[str | None],
) -> list[Item]:
    """told: names that may be missing, because their faults are in `issues` already."""
    items = raw.get(name)
    if name not in raw:
        if name not in told:
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
