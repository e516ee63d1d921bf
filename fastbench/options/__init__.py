"""The options of a run, each declared once: names, values, what it sets, what it excludes; and the run that they
describe. Given as text on the command line, as keywords in Python."""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.options.argument import is_config_name, is_url
    from fastbench.options.keywords import in_keywords, keywords_named
    from fastbench.options.live import LIVE, LIVE_SECTIONS
    from fastbench.options.load import LOAD
    from fastbench.options.option import Option, Takes, flag
    from fastbench.options.places import Fields, Place, PromptsField, PromptsFile, Settings, ShownField
    from fastbench.options.search import SATURATE_SECTIONS, SEARCH
    from fastbench.options.settings import Chosen, config_file, names_tasks, run_of_options, shown_by
    from fastbench.options.table import (
        ARGUMENT,
        OPTIONS,
        SECTIONS,
        SYNONYMS,
        Options,
        check_options,
        excludes,
        meant_by,
        misspelt,
    )
    from fastbench.options.tasks import (
        ASSERT,
        DIALECT,
        JSON,
        JUNIT,
        QUIET,
        READING_SPEED,
        SLO,
        STAGE,
        STAGES,
        STALL,
        STRICT,
        SUMMARY,
        TABLES,
        WINDOW,
        one_stage,
        window_fault,
    )
    from fastbench.options.values import FromNow
else:
    __getattr__ = lazy(
        __name__,
        {
            "argument": (
                "is_config_name",
                "is_url",
            ),
            "keywords": (
                "in_keywords",
                "keywords_named",
            ),
            "live": (
                "LIVE",
                "LIVE_SECTIONS",
            ),
            "load": ("LOAD",),
            "option": (
                "Option",
                "Takes",
                "flag",
            ),
            "places": (
                "Fields",
                "Place",
                "PromptsField",
                "PromptsFile",
                "Settings",
                "ShownField",
            ),
            "search": (
                "SATURATE_SECTIONS",
                "SEARCH",
            ),
            "table": (
                "ARGUMENT",
                "OPTIONS",
                "Options",
                "SECTIONS",
                "SYNONYMS",
                "check_options",
                "excludes",
                "meant_by",
                "misspelt",
            ),
            "tasks": (
                "ASSERT",
                "DIALECT",
                "JSON",
                "JUNIT",
                "QUIET",
                "READING_SPEED",
                "SLO",
                "STAGE",
                "STAGES",
                "STALL",
                "STRICT",
                "SUMMARY",
                "TABLES",
                "WINDOW",
                "one_stage",
                "window_fault",
            ),
            "values": ("FromNow",),
            "settings": (
                "Chosen",
                "config_file",
                "names_tasks",
                "run_of_options",
                "shown_by",
            ),
        },
    )

__all__ = [
    "ARGUMENT",
    "ASSERT",
    "DIALECT",
    "JSON",
    "JUNIT",
    "LIVE",
    "LIVE_SECTIONS",
    "LOAD",
    "OPTIONS",
    "QUIET",
    "READING_SPEED",
    "SATURATE_SECTIONS",
    "SEARCH",
    "SECTIONS",
    "SLO",
    "STAGE",
    "STAGES",
    "STALL",
    "STRICT",
    "SUMMARY",
    "SYNONYMS",
    "TABLES",
    "WINDOW",
    "Chosen",
    "Fields",
    "FromNow",
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
    "in_keywords",
    "is_config_name",
    "is_url",
    "keywords_named",
    "meant_by",
    "misspelt",
    "names_tasks",
    "one_stage",
    "run_of_options",
    "shown_by",
    "window_fault",
]
