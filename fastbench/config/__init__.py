"""The native config of a run: settings from files and options → one checked, frozen `RunConfig`.

    run = build_run(read_settings(path))   # ConfigError with all that is wrong: field, file, what is allowed
    run.tasks()                            # each model with each data set: a Task

files ── reads and writes config files; services ── the settings of one service under test; fields ── checks of
settings, for every room that has some; builder, run ── the run; dataset, load_shape, profile, answers, shown ── its
parts; remarks ── settings that change less than they say
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.config.answers import AnswerSettings
    from fastbench.config.builder import build_run, run_of
    from fastbench.config.dataset import DatasetConfig
    from fastbench.config.fields.issues import Issues, show
    from fastbench.config.files.dump import dump_config, dump_json, dump_yaml, public_run, public_settings
    from fastbench.config.profile import ProfileStage, profile_fault
    from fastbench.config.remarks import past_proxies, without_effect
    from fastbench.config.run import (
        COMBINATIONS,
        LoadSettings,
        RunConfig,
        RunSettings,
        Task,
    )
    from fastbench.config.shown import DEFAULT_STATS, STAGES, Shown, build_summarizer, is_stage, parse_stats
else:
    __getattr__ = lazy(
        __name__,
        {
            "answers": ("AnswerSettings",),
            "builder": (
                "build_run",
                "run_of",
            ),
            "dataset": ("DatasetConfig",),
            "fields.issues": (
                "Issues",
                "show",
            ),
            "files.dump": (
                "dump_config",
                "dump_json",
                "dump_yaml",
                "public_run",
                "public_settings",
            ),
            "profile": ("ProfileStage", "profile_fault"),
            "remarks": (
                "past_proxies",
                "without_effect",
            ),
            "run": (
                "COMBINATIONS",
                "LoadSettings",
                "RunConfig",
                "RunSettings",
                "Task",
            ),
            "shown": (
                "DEFAULT_STATS",
                "STAGES",
                "Shown",
                "build_summarizer",
                "is_stage",
                "parse_stats",
            ),
        },
    )

__all__ = [
    "COMBINATIONS",
    "DEFAULT_STATS",
    "STAGES",
    "AnswerSettings",
    "DatasetConfig",
    "Issues",
    "LoadSettings",
    "ProfileStage",
    "RunConfig",
    "RunSettings",
    "Shown",
    "Task",
    "build_run",
    "build_summarizer",
    "dump_config",
    "dump_json",
    "dump_yaml",
    "is_stage",
    "parse_stats",
    "past_proxies",
    "profile_fault",
    "public_run",
    "public_settings",
    "run_of",
    "show",
    "without_effect",
]
