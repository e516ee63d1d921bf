"""The Python API and all that the command line does; what `fastbench` exports is public.

    settings ── keywords → a checked run; planning ── its plan, also in words, its directory, its launcher
    running ── running it: its tasks as they end, each with its report
    result ── the result of a task, as numbers; html ── the same in a notebook
    recordings ── runs on disk, found, and shares merged; reporting ── their numbers, reports, pages and exports, again
    screen ── the summary of reports

How a command, and `fastbench.run`, execute a run:

    running = Running(prepare(run), stop, on_progress)
    with running:
        for task in running:
            published = task.publish()

Nothing here prints, ends the process, installs a signal handler or needs the main thread.
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.api.indexing import write_indexes
    from fastbench.api.planning import (
        Described,
        Prepared,
        check_tokenizers,
        continued,
        describe,
        new_directory,
        plan_of,
        prepare,
    )
    from fastbench.api.recordings import (
        Found,
        Merged,
        find_run,
        latest_recordings,
        merge_shares,
        name_of,
        open,
        reused_recordings,
    )
    from fastbench.api.reporting import (
        Ended,
        Page,
        compare,
        compute,
        ended_requests,
        export,
        failures,
        page,
        recalculate,
        report,
        spec_decode_blocks,
    )
    from fastbench.api.result import Figures, Result, runs
    from fastbench.api.running import EndedTask, Running, run, run_all
    from fastbench.api.saturation import Saturating, Saturation, lines, plan_lines, prepare_search, saturate
    from fastbench.api.screen import Finished, Line, Part, Published, Style, finished, plain, summarize
else:
    __getattr__ = lazy(
        __name__,
        {
            "indexing": ("write_indexes",),
            "planning": (
                "Described",
                "Prepared",
                "check_tokenizers",
                "continued",
                "describe",
                "new_directory",
                "plan_of",
                "prepare",
            ),
            "recordings": (
                "Found",
                "Merged",
                "find_run",
                "latest_recordings",
                "merge_shares",
                "name_of",
                "open",
                "reused_recordings",
            ),
            "reporting": (
                "Ended",
                "Page",
                "compare",
                "compute",
                "ended_requests",
                "export",
                "failures",
                "page",
                "recalculate",
                "report",
                "spec_decode_blocks",
            ),
            "screen": (
                "Finished",
                "Line",
                "Part",
                "Published",
                "Style",
                "finished",
                "plain",
                "summarize",
            ),
            "saturation": ("Saturating", "Saturation", "lines", "plan_lines", "prepare_search", "saturate"),
            "result": (
                "Figures",
                "Result",
                "runs",
            ),
            "running": (
                "EndedTask",
                "Running",
                "run",
                "run_all",
            ),
        },
    )

__all__ = [
    "Described",
    "Ended",
    "EndedTask",
    "Figures",
    "Finished",
    "Found",
    "Line",
    "Merged",
    "Page",
    "Part",
    "Prepared",
    "Published",
    "Result",
    "Running",
    "Saturating",
    "Saturation",
    "Style",
    "check_tokenizers",
    "compare",
    "compute",
    "continued",
    "describe",
    "ended_requests",
    "export",
    "failures",
    "find_run",
    "finished",
    "latest_recordings",
    "lines",
    "merge_shares",
    "name_of",
    "new_directory",
    "open",
    "page",
    "plain",
    "plan_lines",
    "plan_of",
    "prepare",
    "prepare_search",
    "recalculate",
    "report",
    "reused_recordings",
    "run",
    "run_all",
    "runs",
    "saturate",
    "spec_decode_blocks",
    "summarize",
    "write_indexes",
]
