"""What `fastbench perf` is to do: measure, continue, report again, search, or only show the plan."""

from enum import Enum, auto

from fastbench.cli.perf_sources import Options
from fastbench.errors import UsageError

_ACCURACY = ("all", "infer", "eval", "viz", "judge", "infer_judge")


class Action(Enum):
    """The ways that the command can go."""

    MEASURE = auto()
    CONTINUE = auto()
    REPORT_AGAIN = auto()
    SEARCH = auto()
    DRY_RUN = auto()


def action_of(options: Options) -> Action:
    """The way that `options` ask for. Raises UsageError where they ask for none that there is."""
    mode = options.get("mode", "perf")
    if mode not in ("perf", "perf_viz"):
        what = "is about accuracy, which fastbench does not measure" if mode in _ACCURACY else "is no mode"
        raise UsageError(f"--mode {mode} {what}; use perf to measure, or perf_viz to report a finished run again")
    if options.get("search"):
        return Action.SEARCH
    if mode == "perf":
        if "reuse" in options and options.get("dry_run"):
            raise UsageError("--dry-run shows a whole plan, and --reuse sends what is left of one; give one of them")
        if "reuse" in options and "shard" in options:
            raise UsageError("--reuse continues a whole run, and --shard is a part of one; give one of them")
        if "reuse" in options and ("ray" in options or "nodes" in options):
            raise UsageError("--reuse sends what is left from this host; leave --ray and --nodes out")
        if "reuse" in options:
            return Action.CONTINUE
        return Action.DRY_RUN if options.get("dry_run") else Action.MEASURE
    if "reuse" not in options:
        raise UsageError("--mode perf_viz reports a finished run again; name it with --reuse RUN, or the latest by -r")
    if options.get("dry_run"):
        raise UsageError("--dry-run shows what would be sent, and --mode perf_viz sends nothing; leave one of them out")
    return Action.REPORT_AGAIN
