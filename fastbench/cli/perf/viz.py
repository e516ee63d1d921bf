"""`fastbench perf --mode perf_viz`: the report of a finished run again, with the summarizer of today."""

import re
from pathlib import Path

from fastbench.aisbench import build_summarizer
from fastbench.api import SUFFIX
from fastbench.cli.interrupt import leave_in_order
from fastbench.cli.report.again import report_again
from fastbench.cli.report.recordings import find_recordings
from fastbench.config import Issues, RunConfig, RunSettings
from fastbench.errors import UsageError
from fastbench.options import OPTIONS, Options, apply_shown, names_tasks, read_shown, run_of_options

LATEST = OPTIONS["reuse"].alone
_RUN = re.compile(r"\d{8}_\d{6}(_\d+)?")


def report_run_again(options: Options, *, quiet: bool, plot: bool, strict: bool) -> int:
    """Reports the tasks that the options name, or all of the run; nothing is sent. Returns the exit code."""
    run = run_of_options(options).run if names_tasks(options) else None
    directory = find_run(options["reuse"], run.work_dir if run else options.get("work_dir", RunSettings().work_dir))
    leave_in_order()
    recordings = find_recordings(directory)
    if run is not None:
        recordings = [_recording(task_name, recordings, directory) for task_name in _task_names(run)]
    stats, stage = _shown(options)
    return report_again(recordings, stats, stage, quiet=quiet, plot=plot, strict=strict)


def find_run(name: str, work_dir: str) -> Path:
    """The directory of the run `name` in `work_dir`; "latest" = the last one. Raises UsageError."""
    if name != LATEST:
        directory = Path(work_dir, name)
        if not directory.is_dir():
            raise UsageError(
                f"--reuse {name}: {directory} is no directory; name a run in {work_dir}, or set --work-dir"
            )
        return directory
    here = Path(work_dir)
    runs = sorted(path for path in here.iterdir() if _RUN.fullmatch(path.name)) if here.is_dir() else []
    if not runs:
        raise UsageError(f"--reuse: there is no run in {work_dir}; set --work-dir to the directory that has it")
    return runs[-1]


def _task_names(run: RunConfig) -> list[tuple[str, str]]:
    return [(task.service.abbr, task.dataset.abbr) for task in run.tasks()]


def _recording(task: tuple[str, str], recordings: list[Path], directory: Path) -> Path:
    known = {(path.parent.name, path.name.removesuffix(SUFFIX)): path for path in recordings}
    if task not in known:
        has = ", ".join("/".join(names) for names in known)
        raise UsageError(f"{directory} has no recording of {'/'.join(task)}; it has {has}")
    return known[task]


def _shown(options: Options) -> tuple[tuple[str, ...] | None, str | None]:
    """The columns and the stage that are asked for this time; None = as the run was reported."""
    settings = read_shown(options)
    says_both = "summarizer" in settings.raw
    apply_shown(settings, options)
    issues = Issues(settings.source, settings.labels)
    shown = build_summarizer(settings.raw.get("summarizer", {}), issues)
    issues.check()
    return (
        shown.stats if says_both or "stats" in options else None,
        shown.stage if says_both or options.keys() & {"stage", "window"} else None,
    )
