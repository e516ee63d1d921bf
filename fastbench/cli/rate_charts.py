"""The charts of request rates that a run leaves before anything is sent, and their summaries in its logs."""

import logging
from pathlib import Path

from fastbench.config.plan import RunConfig, Task
from fastbench.fleet.asked import asked_of
from fastbench.fleet.check import Checked
from fastbench.fleet.header import asked_load
from fastbench.fleet.logs import log_to
from fastbench.fleet.rundir import RunDirectory
from fastbench.fleet.source import Source
from fastbench.load.schedule import make_schedule
from fastbench.report.files import replace
from fastbench.report.rps.chart import RateChart, planned_chart

PLANNED = "_rps_distribution_plot.html"
log = logging.getLogger("fastbench")


def write_planned(run: RunConfig, directory: RunDirectory, checked: Checked) -> None:
    """`<dataset>_rps_distribution_plot.html` of each task that has a rate; RecordingError if it cannot be written."""
    for task in run.tasks():
        chart = _planned(task, checked)
        if chart is not None:
            replace(directory.results(task) / f"{task.dataset.abbr}{PLANNED}", chart.page)
            log_summary(None if run.debug else directory.log(task), chart.summary)


def log_summary(path: Path | None, summary: str) -> None:
    """The summary in a task's log; None = on standard error."""
    with log_to(path):
        log.info("%s", summary)


def _planned(task: Task, checked: Checked) -> RateChart | None:
    source = Source(task, checked.surveyed[task.service.abbr, task.dataset.abbr])
    schedule = make_schedule(asked_of(task), source.samples_count)
    load = asked_load(task, schedule, None)
    if schedule.arrival == "pressure" and schedule.slots is not None:
        return planned_chart(schedule.slots.openings, load, task.name)
    return None if schedule.offsets is None else planned_chart(schedule.offsets, load, task.name)
