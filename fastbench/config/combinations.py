"""`model_dataset_combinations` → the pairs of a model and a data set that are tasks."""

from collections.abc import Collection, Mapping
from typing import Any

from fastbench.config.check import check_fields
from fastbench.config.fields import Frozen
from fastbench.config.issues import Issues, nearest

NAME = "model_dataset_combinations"


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
        issues.wrong(NAME, raw, "a list of at least one dict with models and datasets")
        return ()
    pairs: dict[tuple[str, str], None] = {}
    for index, item in enumerate(raw):
        path = f"{NAME}[{index}]"
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
