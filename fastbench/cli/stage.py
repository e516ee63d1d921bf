"""`--stage` and `--window`: two ways to say what a report is about."""

from fastbench.config.summarizer import STAGES, is_stage
from fastbench.errors import UsageError


def one_stage(stage: str | None, window: str | None) -> str | None:
    """The stage that one of the options names; None = neither was given. Raises UsageError."""
    if stage is not None and window is not None:
        raise UsageError("--stage and --window name two parts of the run; give one of them")
    if window is not None and (window in STAGES or not is_stage(window)):
        raise UsageError(f'--window {window} is no window; give it as FROM:TO, such as "30s:90s", "30s:" or ":90s"')
    return stage or window
