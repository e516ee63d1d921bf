"""The options of a run, each declared once: its names, its values, what it sets, what it excludes; and the run that
options describe. The command line takes them as words, Python as keywords."""

from typing import TYPE_CHECKING, Any

from fastbench.options.option import Option, Takes, flag
from fastbench.options.places import Fields, Place, PromptsField, PromptsFile, Settings, ShownField
from fastbench.options.table import ARGUMENT, OPTIONS, SECTIONS, SYNONYMS, Options, check_options, excludes, meant_by
from fastbench.options.tasks import STAGE, STAGES, STRICT, TABLES, WINDOW, window_fault

if TYPE_CHECKING:
    from fastbench.options.settings import (
        Chosen,
        config_file,
        names_tasks,
        run_of_options,
        shown_by,
    )

__all__ = [
    "ARGUMENT",
    "OPTIONS",
    "SECTIONS",
    "STAGE",
    "STAGES",
    "STRICT",
    "SYNONYMS",
    "TABLES",
    "WINDOW",
    "Chosen",
    "Fields",
    "Option",
    "Options",
    "Place",
    "PromptsField",
    "PromptsFile",
    "Settings",
    "ShownField",
    "Takes",
    "check_options",
    "config_file",
    "excludes",
    "flag",
    "meant_by",
    "names_tasks",
    "run_of_options",
    "shown_by",
    "window_fault",
]


def __getattr__(name: str) -> Any:
    """What makes a run of options is imported when it is used: help must not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fastbench.options import settings

    return getattr(settings, name)
