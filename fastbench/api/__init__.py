"""fastbench from Python; its face is `fastbench` itself, which imports each name when it is first asked for.

    settings ── keywords → a checked run
    running ── a run → its recordings; result ── what came of a task, as numbers; html ── the same in a notebook
    recordings ── finished runs on disk; reporting ── their numbers, files and exports, again

Nothing here prints, ends the process, installs a signal handler or needs the main thread.
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.api.recordings import (
        OF_PERFORMANCES,
        SUFFIX,
        name_of,
        no_recording,
        open,
        recorded,
        recordings_of,
        runs_in,
    )
    from fastbench.api.reporting import compute, export, report
    from fastbench.api.result import Figures, Result, runs
    from fastbench.api.running import check_tokenizers, new_directory, plan_of, run, run_all
else:
    __getattr__ = lazy(
        __name__,
        {
            "recordings": (
                "OF_PERFORMANCES",
                "SUFFIX",
                "name_of",
                "no_recording",
                "open",
                "recorded",
                "recordings_of",
                "runs_in",
            ),
            "reporting": (
                "compute",
                "export",
                "report",
            ),
            "result": (
                "Figures",
                "Result",
                "runs",
            ),
            "running": (
                "check_tokenizers",
                "new_directory",
                "plan_of",
                "run",
                "run_all",
            ),
        },
    )

__all__ = [
    "OF_PERFORMANCES",
    "SUFFIX",
    "Figures",
    "Result",
    "check_tokenizers",
    "compute",
    "export",
    "name_of",
    "new_directory",
    "no_recording",
    "open",
    "plan_of",
    "recorded",
    "recordings_of",
    "report",
    "run",
    "run_all",
    "runs",
    "runs_in",
]
