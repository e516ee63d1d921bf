"""AISBench's settings → native ones, and the run that they describe."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastbench.aisbench.datasets import DATASET_CLASSES, translate_dataset
from fastbench.aisbench.models import MODEL_CLASSES, translate_model
from fastbench.aisbench.standin import ROOTS, AisbenchImports
from fastbench.aisbench.summarizer import translate_summarizer
from fastbench.config import Issues, RunConfig, Shown, run_of
from fastbench.config import build_summarizer as build_native_summarizer
from fastbench.config.files import Settings, read_settings
from fastbench.secrets import KNOWN

_ITEMS = {"models": translate_model, "datasets": translate_dataset}


def translate(raw: Mapping[str, Any], issues: Issues) -> dict[str, Any]:
    """Settings in which AISBench's forms may stand → native ones; those that are native already stay as they are.

    What cannot be translated is added to `issues`, which then also knows by which names the user wrote the rest.
    """
    native = dict(raw)
    for name, one in _ITEMS.items():
        items = raw.get(name)
        if isinstance(items, list | tuple):
            native[name] = [one(item, f"{name}[{index}]", issues) for index, item in enumerate(items)]
    if "summarizer" in raw:
        native["summarizer"] = translate_summarizer(raw["summarizer"], issues)
    return native


def build_run(
    raw: Mapping[str, Any], source: str, *, file: str | None = None, labels: Mapping[str, str] | None = None
) -> RunConfig:
    """`config.build_run` of settings in which AISBench's forms may stand."""
    KNOWN.learn_in(raw)
    issues = Issues(source, labels)
    return run_of(translate(raw, issues), issues, file=file)


def build_summarizer(raw: object, issues: Issues) -> Shown:
    """What a `summarizer` of either form says that the report shows; its faults are added to `issues`."""
    return build_native_summarizer(translate_summarizer(raw, issues), issues)


def read_labelled(path: str) -> Settings:
    """The settings of a config file, native or AISBench's, and where they stand. Raises ConfigError."""
    return read_settings(path, AisbenchImports())


def read_config(path: str) -> dict[str, Any]:
    """As `read_labelled`, the settings alone."""
    return read_labelled(path).raw


def load_config(path: str) -> RunConfig:
    """The run that the file at `path` describes. Raises ConfigError."""
    raw, labels = read_labelled(path)
    return build_run(raw, path, file=path, labels=labels)


def is_aisbench(path: str) -> bool:
    """Whether the file at `path` is a config of AISBench: by the packages that it imports or the classes that it names.
    It is not carried out."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return not set(re.findall(r"\w+", text)).isdisjoint({*ROOTS, *MODEL_CLASSES, *DATASET_CLASSES})
