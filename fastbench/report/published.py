"""A recording → its report's files and text; the same function at a run's end and when recalculated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fastbench.errors import FastbenchError, UsageError
from fastbench.metrics import Computed, Metrics, compute_for_page
from fastbench.metrics.samples import TOTAL
from fastbench.metrics.server import outer_scrapes, service_series
from fastbench.recording import ProgressCallback, Recording, Scrape, progress_between
from fastbench.report.answer import Answer, answer_of
from fastbench.report.checks.written import goodput_csv, intervals_csv
from fastbench.report.class_tables import classes_csv, classes_json
from fastbench.report.console import render
from fastbench.report.files import answers_json, common_json, parameters_csv, replace, trust_json
from fastbench.report.page.page import page
from fastbench.report.page.rate_chart import actual_chart
from fastbench.report.service_tables import service_json

PAGE = "_plot.html"
ANSWERS, INTERVALS, GOODPUT = "_answers.json", "_intervals.csv", "_goodput.csv"
CLASSES = "_classes"
ACTUAL_RATES = "_rps_distribution_plot_with_actual_rps.html"


@dataclass(frozen=True)
class Published:
    """What was made of a recording: the files written, the guide's tables as text, the numbers, and what they say.

    fault: what could not be written, which stands in the text too. rates: a summary of the request rates for the log,
    where a rate was asked for and plots were. spec_decode: the scrapes for `publish_spec_decode`, as it is about all
    recordings of a run together.
    """

    paths: tuple[Path, ...]
    text: str
    metrics: Metrics
    answer: Answer
    fault: str | None = None
    rates: str | None = None
    spec_decode: tuple[Scrape, ...] = ()

    @property
    def page(self) -> Path | None:
        """The report page, where one was written."""
        return next((path for path in self.paths if path.name.endswith(PAGE)), None)


def reading(progress: ProgressCallback | None) -> ProgressCallback | None:
    """The share of a report's progress that `Recording.open` has: checking takes about as long as counting."""
    return progress_between(progress, 0, 0.5)


def publish(
    recording: Recording,
    out_dir: Path,
    name: str,
    stats: Sequence[str],
    progress: ProgressCallback | None = None,
    *,
    stage: str = TOTAL,
    plot: bool = True,
    complete: Callable[[Computed], Computed] | None = None,
) -> Published:
    """Writes `<name>.csv`, `<name>.json`, `<name>_trust.json`, `<name>_answers.json` and `<name>_intervals.csv` to
    `out_dir`, where there are SLOs `<name>_goodput.csv`, where requests have classes `<name>_classes.csv` and
    `<name>_classes.json`, where the service's metrics page was asked for `<name>_service.json`, and the plots.

    stats: the columns of "Performance Parameters". stage: as `compute` takes it. plot: whether there are any; that
    they could not be written stands in the text. complete: adds to the numbers what else is asked of them.
    RecordingError when a file cannot be written, UsageError for a stage that the recording does not have.
    """
    if not name or name == ".." or Path(name).name != name:
        raise UsageError(f"{name!r} cannot name a report: it is no plain file name")
    computed = compute_for_page(recording, stats, stage, progress_between(progress, 0.5, 1))
    computed = complete(computed) if complete else computed
    metrics = computed.metrics
    parameters, common, trust = (out_dir / f"{name}{end}" for end in (".csv", ".json", "_trust.json"))
    replace(parameters, parameters_csv(metrics))
    replace(common, common_json(metrics))
    # The service's messages may repeat a prompt: for the owner alone.
    replace(trust, trust_json(metrics), 0o600)
    answers, intervals = (out_dir / f"{name}{end}" for end in (ANSWERS, INTERVALS))
    replace(answers, answers_json(metrics))
    replace(intervals, intervals_csv(metrics))
    paths = [parameters, common, trust, answers, intervals]
    if metrics.slos:
        paths.append(out_dir / f"{name}{GOODPUT}")
        replace(paths[-1], goodput_csv(metrics))
    if metrics.classes:
        by_class = (out_dir / f"{name}{CLASSES}.csv", out_dir / f"{name}{CLASSES}.json")
        replace(by_class[0], classes_csv(metrics))
        replace(by_class[1], classes_json(metrics))
        paths += by_class
    series = service_series(recording)
    if series is not None:
        paths.append(out_dir / f"{name}_service.json")
        replace(paths[-1], service_json(metrics, series))
    task = task_of(recording, name)
    answer, text = answer_of(computed, task), render(metrics, task)
    plots, fault = Plots(), None
    if plot:
        try:
            plots = write_plots(recording, computed, answer, out_dir, name)
        except FastbenchError as error:
            # The tables are worth more than their pictures: on a full disk they are all that fits.
            fault = str(error)
            text += f"{fault}\n"
    return Published(
        paths=(*paths, *plots.paths),
        text=text,
        metrics=metrics,
        answer=answer,
        fault=fault,
        rates=plots.rates,
        spec_decode=outer_scrapes(recording),
    )


def task_of(recording: Recording, name: str) -> str:
    """The model and the data set as they stand above the tables. name: the report's, where the header does not say."""
    task = recording.header.get("task", {})
    return f"{task.get('model', '-')}/{task.get('dataset', name)}"


class Plots(NamedTuple):
    """The files written, and the summary of the request rates where a rate was asked for."""

    paths: tuple[Path, ...] = ()
    rates: str | None = None


def write_plots(recording: Recording, computed: Computed, answer: Answer, out_dir: Path, name: str) -> Plots:
    """Writes `<name>_plot.html`, and `<name>_rps_distribution_plot_with_actual_rps.html` where a rate was asked for.

    RecordingError when one of them cannot be written.
    """
    report = write_page(recording, computed, answer, out_dir / f"{name}{PAGE}")
    chart = actual_chart(recording, answer.subject.task)
    if chart is None:
        return Plots((report,))
    rates = out_dir / f"{name}{ACTUAL_RATES}"
    replace(rates, chart.page)
    return Plots((report, rates), chart.summary)


def write_page(recording: Recording, computed: Computed, answer: Answer, path: Path) -> Path:
    """The page of one recording, at `path`. RecordingError when it cannot be written."""
    # The failures' messages may repeat a prompt: for the owner alone.
    replace(path, page(recording, computed, answer), 0o600)
    return path
