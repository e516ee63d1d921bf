"""One item of `datasets` → a `DatasetConfig`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastbench.config.check import check_fields
from fastbench.config.data_files import find_data
from fastbench.config.dataset_schema import DATASETS, DatasetConfig
from fastbench.config.issues import Issues, nearest, show
from fastbench.config.original import CLASSES, from_original, is_original
from fastbench.config.row_range import range_fault
from fastbench.config.service import type_name
from fastbench.config.synthetic import build_synthetic
from fastbench.config.template import template_fault

# Most names of classes end alike, so that others look similar too.
_CLOSE = 0.85


def build_dataset(raw: object, path: str, issues: Issues) -> DatasetConfig | None:
    """The data set that `raw` describes, or None after its faults were added to `issues`."""
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return None
    before = len(issues)
    found = _own_form(raw, path, issues)
    if found is None:
        return None
    kind, settings = found
    if kind == "synthetic":
        values = build_synthetic(settings, path, issues)
    else:
        values = check_fields(DATASETS[kind], _of_file(kind, settings), path, issues)
        _check_file(values, path, issues)
    return DATASETS[kind](**values) if len(issues) == before else None


def _own_form(raw: Mapping[str, Any], path: str, issues: Issues) -> tuple[str, dict[str, Any]] | None:
    """(name of the type, its settings), or None after the fault was added to `issues`."""
    settings = {name: value for name, value in raw.items() if name != "type"}
    if "type" not in raw and "synthetic_config" in raw:
        return "synthetic", settings
    name = type_name(raw.get("type"))
    if name in DATASETS:
        return name, settings
    if name and is_original(raw, name):
        return from_original(raw, name, path, issues)
    known = ", ".join(f'"{kind}"' for kind in DATASETS)
    if "type" not in raw:
        issues.missing(f"{path}.type", f"one of {known}")
    else:
        close = nearest(name, [*DATASETS, *CLASSES], _CLOSE) if name else None
        hint = f"did you mean {close}?" if close else f"it must be one of {known}"
        issues.add(f"{path}.type", f"is {show(raw['type'])}; {hint}")
    return None


def _of_file(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """With the file where it is found, and its name up to the first dot as the default of `abbr`."""
    file = settings.get("path")
    if not isinstance(file, str) or not file:
        return {"abbr": kind, **settings}
    found = {"abbr": Path(file).name.partition(".")[0] or kind, **settings, "path": find_data(file)}
    if isinstance(meta := settings.get("meta_path"), str) and meta:
        found["meta_path"] = os.path.abspath(find_data(meta))
    return found


def _check_file(values: dict[str, Any], path: str, issues: Issues) -> None:
    """What only several fields together, or a look into one, can tell."""
    if (fault := range_fault(values.get("test_range"))) is not None:
        issues.wrong(f"{path}.test_range", values["test_range"], fault)
    if (fault := template_fault(values.get("template"))) is not None:
        issues.wrong(f"{path}.template", values["template"], fault)
    if "\0" in values.get("path", ""):
        issues.wrong(f"{path}.path", values["path"], "the name of a file, which has no zero bytes")
    start, end = values.get("fixed_schedule_start_offset", 0), values.get("fixed_schedule_end_offset", -1)
    if 0 <= end < start:
        issues.wrong(f"{path}.fixed_schedule_end_offset", end, f"at least fixed_schedule_start_offset, {start}, or -1")
