"""The Python API and all that the command line does; what `fastbench` exports is public.

    settings ── keywords → a checked run; planning ── its plan, also in words, its directory, its launcher
    running ── running it: its tasks as they end, each with its report
    result ── the result of a task, as numbers; html ── the same in a notebook
    judging ── what is asked of a report beyond its numbers: SLOs, assertions; what continuous integration reads
    recordings ── runs on disk, found, and shares merged; reporting ── their numbers, reports, pages and exports, again
    comparing ── did it get slower; screen ── the summary of reports

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
    from fastbench.api.comparing import (
        DIRECTORY,
        Comparison,
        LiveComparing,
        Saved,
        compare,
        compare_live,
        comparison_lines,
        prepare_compare,
        remove_baseline,
        save_baseline,
        saved_baselines,
        write_comparison,
        write_comparison_page,
    )
    from fastbench.api.indexing import write_indexes
    from fastbench.api.judging import Asking, Checked, checks_of, code_of, deciding, gates_of, write_checks
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
        RESULTS,
        Ended,
        Page,
        VllmAsked,
        check,
        compute,
        ended_requests,
        export,
        failures,
        numbers_for_vllm,
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
            "comparing": (
                "DIRECTORY",
                "Comparison",
                "LiveComparing",
                "Saved",
                "compare",
                "compare_live",
                "comparison_lines",
                "prepare_compare",
                "remove_baseline",
                "save_baseline",
                "saved_baselines",
                "write_comparison",
                "write_comparison_page",
            ),
            "indexing": ("write_indexes",),
            "judging": (
                "Asking",
                "Checked",
                "checks_of",
                "code_of",
                "deciding",
                "gates_of",
                "write_checks",
            ),
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
                "RESULTS",
                "Ended",
                "Page",
                "VllmAsked",
                "check",
                "compute",
                "ended_requests",
                "export",
                "failures",
                "numbers_for_vllm",
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
    "DIRECTORY",
    "RESULTS",
    "Asking",
    "Checked",
    "Comparison",
    "Described",
    "Ended",
    "EndedTask",
    "Figures",
    "Finished",
    "Found",
    "Line",
    "LiveComparing",
    "Merged",
    "Page",
    "Part",
    "Prepared",
    "Published",
    "Result",
    "Running",
    "Saturating",
    "Saturation",
    "Saved",
    "Style",
    "VllmAsked",
    "check",
    "check_tokenizers",
    "checks_of",
    "code_of",
    "compare",
    "compare_live",
    "comparison_lines",
    "compute",
    "continued",
    "deciding",
    "describe",
    "ended_requests",
    "export",
    "failures",
    "find_run",
    "finished",
    "gates_of",
    "latest_recordings",
    "lines",
    "merge_shares",
    "name_of",
    "new_directory",
    "numbers_for_vllm",
    "open",
    "page",
    "plain",
    "plan_lines",
    "plan_of",
    "prepare",
    "prepare_compare",
    "prepare_search",
    "recalculate",
    "remove_baseline",
    "report",
    "reused_recordings",
    "run",
    "run_all",
    "runs",
    "saturate",
    "save_baseline",
    "saved_baselines",
    "spec_decode_blocks",
    "summarize",
    "write_checks",
    "write_comparison",
    "write_comparison_page",
    "write_indexes",
]
