"""A recording → its report's files and text; the same function at a run's end and when recalculated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastbench.errors import FastbenchError, UsageError
from fastbench.metrics.compute import compute_with_gaps
from fastbench.metrics.model import Metrics
from fastbench.metrics.service import service_series
from fastbench.metrics.spec_decode import outer_scrapes
from fastbench.metrics.window import TOTAL
from fastbench.recording.reader import Recording
from fastbench.recording.scrapes import Scrape
from fastbench.recording.sharing import Progress, part_of
from fastbench.report.console import render
from fastbench.report.files import common_json, parameters_csv, replace, trust_json
from fastbench.report.plots import Plots, write_plots
from fastbench.report.service import service_json


@dataclass(frozen=True)
class Published:
    """What was made of a recording: the files written, the text for the terminal, the numbers.

    rates: a summary of the request rates for the log, where a rate was asked for and plots were.
    spec_decode: the scrapes for `publish_spec_decode`, as it is about all recordings of a run together.
    """

    paths: tuple[Path, ...]
    text: str
    metrics: Metrics
    rates: str | None = None
    spec_decode: tuple[Scrape, ...] = ()


def reading(progress: Progress | None) -> Progress | None:
    """The share of a report's progress that `Recording.open` has: checking takes about as long as counting."""
    return part_of(progress, 0, 0.5)


def publish(
    recording: Recording,
    out_dir: Path,
    name: str,
    stats: Sequence[str],
    progress: Progress | None = None,
    *,
    stage: str = TOTAL,
    plot: bool = True,
) -> Published:
    """Writes `<name>.csv`, `<name>.json` and `<name>_trust.json` to `out_dir`, where the service's metrics page was
    asked for `<name>_service.json`, and the plots.

    stats: the columns of "Performance Parameters". stage: as `compute` takes it. plot: whether there are any; that
    they could not be written stands in the text. RecordingError when a file cannot be written, UsageError for a stage
    that the recording does not have.
    """
    if not name or name == ".." or Path(name).name != name:
        raise UsageError(f"{name!r} cannot name a report: it is no plain file name")
    computed = compute_with_gaps(recording, stats, stage, part_of(progress, 0.5, 1))
    metrics = computed.metrics
    parameters, common, trust = (out_dir / f"{name}{end}" for end in (".csv", ".json", "_trust.json"))
    replace(parameters, parameters_csv(metrics))
    replace(common, common_json(metrics))
    # The service's messages may repeat a prompt: for the owner alone.
    replace(trust, trust_json(metrics), 0o600)
    paths = [parameters, common, trust]
    series = service_series(recording)
    if series is not None:
        paths.append(out_dir / f"{name}_service.json")
        replace(paths[-1], service_json(metrics, series))
    task = task_of(recording, name)
    text = render(metrics, task)
    plots = Plots()
    if plot:
        try:
            plots = write_plots(recording, computed, out_dir, name, task)
        except FastbenchError as error:
            # The tables are worth more than their pictures: on a full disk they are all that fits.
            text += f"{error}\n"
    return Published((*paths, *plots.paths), text, metrics, plots.rates, outer_scrapes(recording))


def task_of(recording: Recording, name: str) -> str:
    """The model and the data set as they stand above the tables. name: the report's, where the header does not say."""
    task = recording.header.get("task", {})
    return f"{task.get('model', '-')}/{task.get('dataset', name)}"
