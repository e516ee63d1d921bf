"""The HTML files of a report."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fastbench.metrics.compute import Computed
from fastbench.recording.reader import Recording
from fastbench.report.files import replace
from fastbench.report.page.page import page
from fastbench.report.rps.chart import actual_chart

PAGE = "_plot.html"
ACTUAL_RATES = "_rps_distribution_plot_with_actual_rps.html"


class Plots(NamedTuple):
    """The files written, and the summary of the request rates where a rate was asked for."""

    paths: tuple[Path, ...] = ()
    rates: str | None = None


def write_plots(recording: Recording, computed: Computed, out_dir: Path, name: str, task: str) -> Plots:
    """Writes `<name>_plot.html`, and `<name>_rps_distribution_plot_with_actual_rps.html` where a rate was asked for.

    RecordingError when one of them cannot be written.
    """
    report = write_page(recording, computed, out_dir / f"{name}{PAGE}", task)
    chart = actual_chart(recording, task)
    if chart is None:
        return Plots((report,))
    rates = out_dir / f"{name}{ACTUAL_RATES}"
    replace(rates, chart.page)
    return Plots((report, rates), chart.summary)


def write_page(recording: Recording, computed: Computed, path: Path, task: str) -> Path:
    """The page of one recording, at `path`. RecordingError when it cannot be written."""
    # The failures' messages may repeat a prompt: for the owner alone.
    replace(path, page(recording, computed, task), 0o600)
    return path
