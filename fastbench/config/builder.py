"""The names that a config file or the options set → a `RunConfig`."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import structs

from fastbench.config.answers import AnswerSettings
from fastbench.config.dataset import DatasetConfig, build_dataset
from fastbench.config.fields.check import Frozen, check_fields
from fastbench.config.fields.issues import Issues, nearest
from fastbench.config.load_shape import build_load, build_profile
from fastbench.config.run import COMBINATIONS as COMBINATIONS
from fastbench.config.run import MAX_PRESSURE_TIME, SETTINGS, RunConfig, RunSettings
from fastbench.config.services.build import build_service
from fastbench.config.services.schema import TAKES_TOKEN_IDS, ServiceConfig
from fastbench.config.shown import build_summarizer
from fastbench.errors import ConfigError
from fastbench.registry import DIALECTS
from fastbench.secrets import KNOWN
from fastbench.slo import parse_share, parse_slos, parse_until
from fastbench.units import NS_PER_S

Item = TypeVar("Item", bound=ServiceConfig | DatasetConfig)


def build_run(
    raw: Mapping[str, Any], source: str, *, file: str | None = None, labels: Mapping[str, str] | None = None
) -> RunConfig:
    """The run that `raw` (of `SETTINGS`) describes; another name in it is a misspelled one.

    source: how messages name where `raw` came from; file: the config file, for the record; labels: path of a
    field to the option, or the place in another file, that set it. Raises one ConfigError that names every bad field.
    """
    return run_of(raw, Issues(source, labels), file=file)


def run_of(raw: Mapping[str, Any], issues: Issues, *, file: str | None = None) -> RunConfig:
    """As `build_run`, with the faults that are in `issues` already."""
    KNOWN.learn_in(raw)
    for name in raw:
        if name not in SETTINGS:
            close = nearest(name, SETTINGS)
            hint = f"did you mean {close}?" if close else f"known are {', '.join(SETTINGS)}"
            issues.add(name, f"is not a setting; {hint}")
            issues.excuse(close or "")
    models = _items(raw, "models", build_service, issues)
    datasets: list[DatasetConfig] = _items(raw, "datasets", build_dataset, issues)
    shown = build_summarizer(raw.get("summarizer", {}), issues)
    plain = {name: value for name, value in raw.items() if name in RunSettings.__struct_fields__}
    plain["profile"] = build_profile(plain.get("profile", ()), issues)
    if isinstance(plain.get("slo"), str):
        plain["slo"] = (plain["slo"],)
    settings = RunSettings(**check_fields(RunSettings, plain, "", issues))
    if settings.pressure_time > MAX_PRESSURE_TIME:
        issues.wrong("pressure_time", raw["pressure_time"], f"at most {MAX_PRESSURE_TIME // NS_PER_S} seconds")
    _check_asked(settings, issues)
    load = build_load(settings, models, issues)
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
        **(structs.asdict(settings) | {"load": load}),
    )


def _check_asked(settings: AnswerSettings, issues: Issues) -> None:
    """Checks that what is asked of the run can be read."""
    read: dict[str, Callable[[Any], object]] = {"slo": parse_slos, "until": parse_until, "max_failed": parse_share}
    for name, parse in read.items():
        try:
            if getattr(settings, name):
                parse(getattr(settings, name))
        except ConfigError as error:
            issues.add(name, f"is not usable: {error}")


def _check_ids(
    models: Sequence[ServiceConfig],
    datasets: Sequence[DatasetConfig],
    pairs: Collection[tuple[str, str]] | None,
    issues: Issues,
) -> None:
    """Checks that token ids go to services that take them. (For files only the rows show it.)"""
    for index, dataset in enumerate(datasets):
        if not dataset.makes_token_ids:
            continue
        for model in models:
            meet = pairs is None or (model.abbr, dataset.abbr) in pairs
            if meet and "token_ids" not in DIALECTS.get(model.type).takes:
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
    places = {f"{name}[{index}]": item for index, item in enumerate(items)}
    built = [build_item(item, path, issues) for path, item in places.items() if not issues.excuses(path)]
    whole = [item for item in built if item is not None]
    for abbr, times in Counter(item.abbr for item in whole).items():
        if times > 1:
            issues.add(name, f"has {times} items with the abbr {abbr!r}; give each its own")
    return whole


class CombinationConfig(Frozen, frozen=True, kw_only=True):
    """One item: each of its models meets each of its data sets. Both are given as in `models` and `datasets`, or by
    their abbr."""

    models: list[Any]
    datasets: list[Any]


def build_pairs(
    raw: object, models: Collection[str], datasets: Collection[str], issues: Issues
) -> tuple[tuple[str, str], ...]:
    """Pairs of abbrs without repetitions. models, datasets: the abbrs that the config has."""
    if not isinstance(raw, list | tuple) or not raw:
        issues.wrong(COMBINATIONS, raw, "a list of at least one dict with models and datasets")
        return ()
    pairs: dict[tuple[str, str], None] = {}
    for index, item in enumerate(raw):
        path = f"{COMBINATIONS}[{index}]"
        fields = check_fields(CombinationConfig, item, path, issues)
        left = _abbrs(fields.get("models", ()), models, f"{path}.models", "models", issues)
        right = _abbrs(fields.get("datasets", ()), datasets, f"{path}.datasets", "datasets", issues)
        pairs |= {(model, dataset): None for model in left for dataset in right}
    return tuple(pairs)


def _abbrs(items: Any, known: Collection[str], path: str, of: str, issues: Issues) -> list[str]:
    found: list[str] = []
    for index, item in enumerate(items):
        abbr = item.get("abbr") if isinstance(item, Mapping) else item
        if isinstance(abbr, str) and abbr in known:
            found.append(abbr)
        elif isinstance(abbr, str):
            close = nearest(abbr, known)
            hint = f"did you mean {close}?" if close else f"it has {', '.join(known)}"
            issues.add(f"{path}[{index}]", f"is {abbr!r}, an abbr that {of} does not have; {hint}")
        else:
            issues.wrong(f"{path}[{index}]", item, f"an item of {of} with its abbr, or that abbr")
    return found
