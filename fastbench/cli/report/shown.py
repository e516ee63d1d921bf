"""What the commands that report have in common: which part of a run they show, and what `--strict` makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from fastbench.errors import UsageError
from fastbench.options import STAGE, STAGES, STRICT, WINDOW, window_fault

if TYPE_CHECKING:
    from fastbench.metrics import Metrics

INVALID = 4

stage_option = click.option("--stage", type=click.Choice(STAGES), help=STAGE)
window_option = click.option("--window", metavar="FROM:TO", help=WINDOW)
strict_option = click.option("--strict", is_flag=True, help=STRICT)
no_plot_option = click.option("--no-plot", is_flag=True, help="Write no report page.")


def one_stage(stage: str | None, window: str | None) -> str | None:
    """The stage that one of the options names; None = neither was given. Raises UsageError."""
    if stage is not None and window is not None:
        raise UsageError("--stage and --window name two parts of the run; give one of them")
    fault = window and window_fault(window)
    if fault:
        raise UsageError(f"--window {fault}")
    return stage or window


def strict_code(code: int, reports: Iterable[Metrics], *, strict: bool) -> int:
    """The exit code; if it is to be strict at least 4 where a verdict is INVALID."""
    return max(code, INVALID) if strict and any(not metrics.verdict.valid for metrics in reports) else code
