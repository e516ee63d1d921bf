"""One item of `datasets` → a `DatasetConfig`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastbench.config.check import check_fields
from fastbench.config.dataset_schema import DATASETS, DatasetConfig, JsonlConfig, SyntheticConfig
from fastbench.config.fields import MAX_LENGTH
from fastbench.config.guide import from_guide
from fastbench.config.issues import Issues, nearest, show
from fastbench.config.lengths import build_lengths
from fastbench.config.service import type_name


def build_dataset(raw: object, path: str, issues: Issues) -> DatasetConfig | None:
    """The data set that `raw` describes, or None after its faults were added to `issues`."""
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return None
    before = len(issues)
    kind = _kind(raw, path, issues)
    settings = {name: value for name, value in raw.items() if name != "type"}
    values: dict[str, Any] = {}
    if kind is JsonlConfig:
        values = check_fields(JsonlConfig, _named(settings), path, issues)
    elif kind is SyntheticConfig:
        values = _synthetic(settings, path, issues)
    return kind(**values) if kind and len(issues) == before else None


def _kind(
    settings: Mapping[str, object], path: str, issues: Issues
) -> type[SyntheticConfig] | type[JsonlConfig] | None:
    if "type" not in settings and "synthetic_config" in settings:
        return SyntheticConfig
    known = " or ".join(f'"{name}"' for name in DATASETS)
    name = type_name(settings.get("type"))
    if "type" not in settings:
        issues.missing(f"{path}.type", known)
    elif name not in DATASETS:
        close = nearest(name, DATASETS) if name else None
        hint = f"did you mean {close}?" if close else f"it must be {known}"
        issues.add(f"{path}.type", f"is {show(settings['type'])}; {hint}")
    return DATASETS.get(name or "")


def _named(settings: dict[str, Any]) -> dict[str, Any]:
    """With the file's name up to its first dot as the default of `abbr`."""
    file = settings.get("path")
    name = Path(file).name.partition(".")[0] if isinstance(file, str) else ""
    return {"abbr": name or "jsonl", **settings}


def _synthetic(settings: dict[str, Any], path: str, issues: Issues) -> dict[str, Any]:
    told: set[str] = set()
    if "synthetic_config" in settings:
        settings = {
            **from_guide(settings.pop("synthetic_config"), f"{path}.synthetic_config", issues),
            **settings,
        }
        told |= {"count", "input_len", "output_len"}
    for name in ("input_len", "output_len"):
        raw = settings.pop(name, None)
        lengths = None if raw is None else build_lengths(raw, f"{path}.{name}", issues)
        if lengths is not None:
            settings[name] = lengths
        elif raw is not None:
            told.add(name)
    values = check_fields(SyntheticConfig, settings, path, issues, told)
    shortest = values["input_len"].low if "input_len" in values else MAX_LENGTH
    if values.get("shared_prefix", 0) > shortest:
        allowed = f"at most the shortest input_len, {shortest}"
        issues.wrong(f"{path}.shared_prefix", values["shared_prefix"], allowed)
    return values
