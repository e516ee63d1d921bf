"""The Python API and all that the command line does; what `fastbench` exports is public.

    settings ── keywords → a checked run; planning ── its plan, also in words, its directory, its launcher
    running ── running it: its tasks as they end, each with its report
    result ── the result of a task, as numbers; html ── the same in a notebook
    judging ── what is asked of a report beyond its numbers: SLOs, assertions; what continuous integration reads
    recordings ── runs on disk, found, and shares merged; reuse ── what `--reuse` goes on with
    reporting ── numbers, reports, pages and exports, again; summaries ── the summary of reports, the page of a run
    comparing ── did it get slower

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
        comparison_json,
        comparison_lines,
        prepare_compare,
        remove_baseline,
        save_baseline,
        saved_baselines,
        write_comparison,
        write_comparison_page,
    )
    from fastbench.api.doctor import Check, State, Wanted, code_of_checks, doctor_json, examine
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
        latest_recordings,
        merge_shares,
        name_of,
        open,
    )
    from fastbench.api.reporting import (
        RESULTS,
        Ended,
        Page,
        check,
        compute,
        ended_requests,
        export,
        failures,
        page,
        recalculate,
        report,
        spec_decode_blocks,
    )
    from fastbench.api.result import Figures, Result, VllmAsked, numbers_for_vllm, runs
    from fastbench.api.reuse import find_run, reused_recordings
    from fastbench.api.running import EndedTask, Running, run, run_all
    from fastbench.api.saturation import (
        Saturating,
        Saturation,
        lines,
        plan_lines,
        prepare_search,
        saturate,
        saturation_json,
    )
    from fastbench.api.summaries import (
        Finished,
        Line,
        Part,
        Published,
        ReportedTask,
        Style,
        finished,
        plain,
        result_json,
        save_json,
        summarize,
        write_indexes,
    )
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
                "comparison_json",
                "comparison_lines",
                "prepare_compare",
                "remove_baseline",
                "save_baseline",
                "saved_baselines",
                "write_comparison",
                "write_comparison_page",
            ),
            "doctor": ("Check", "State", "Wanted", "code_of_checks", "doctor_json", "examine"),
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
                "latest_recordings",
                "merge_shares",
                "name_of",
                "open",
            ),
            "reporting": (
                "RESULTS",
                "Ended",
                "Page",
                "check",
                "compute",
                "ended_requests",
                "export",
                "failures",
                "page",
                "recalculate",
                "report",
                "spec_decode_blocks",
            ),
            "summaries": (
                "Finished",
                "Line",
                "Part",
                "Published",
                "ReportedTask",
                "Style",
                "finished",
                "plain",
                "result_json",
                "save_json",
                "summarize",
                "write_indexes",
            ),
            "saturation": (
                "Saturating",
                "Saturation",
                "lines",
                "plan_lines",
                "prepare_search",
                "saturate",
                "saturation_json",
            ),
            "result": (
                "Figures",
                "Result",
                "VllmAsked",
                "numbers_for_vllm",
                "runs",
            ),
            "reuse": ("find_run", "reused_recordings"),
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
    "Check",
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
    "ReportedTask",
    "Result",
    "Running",
    "Saturating",
    "Saturation",
    "Saved",
    "State",
    "Style",
    "VllmAsked",
    "Wanted",
    "check",
    "check_tokenizers",
    "checks_of",
    "code_of",
    "code_of_checks",
    "compare",
    "compare_live",
    "comparison_json",
    "comparison_lines",
    "compute",
    "continued",
    "deciding",
    "describe",
    "doctor_json",
    "ended_requests",
    "examine",
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
    "result_json",
    "reused_recordings",
    "run",
    "run_all",
    "runs",
    "saturate",
    "saturation_json",
    "save_baseline",
    "save_json",
    "saved_baselines",
    "spec_decode_blocks",
    "summarize",
    "write_checks",
    "write_comparison",
    "write_comparison_page",
    "write_indexes",
]
