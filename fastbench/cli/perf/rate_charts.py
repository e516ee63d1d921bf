"""The charts of request rates that a run leaves before anything is sent, and their summaries in its logs."""

from pathlib import Path

from fastbench.config import RunConfig
from fastbench.plan import RunPlan, TaskPlan
from fastbench.report import RateChart, planned_chart, replace
from fastbench.run import RunDirectory, log, log_to

PLANNED = "_rps_distribution_plot.html"


def write_planned(run: RunConfig, directory: RunDirectory, plan: RunPlan) -> None:
    """`<dataset>_rps_distribution_plot.html` of each task that has a rate; RecordingError if it cannot be written."""
    for task_plan in plan.tasks:
        task, chart = task_plan.task, _planned(task_plan)
        if chart is not None:
            replace(directory.results(task) / f"{task.dataset.abbr}{PLANNED}", chart.page)
            log_summary(None if run.debug else directory.log(task), chart.summary)


def log_summary(path: Path | None, summary: str) -> None:
    """The summary in a task's log; None = on standard error."""
    with log_to(path):
        log.info("%s", summary)


def _planned(plan: TaskPlan) -> RateChart | None:
    schedule, load = plan.schedule, plan.record()["load"]
    if schedule.slots is not None:
        return planned_chart(schedule.slots.openings, load, plan.task.name) if plan.load.shape.opens_clients else None
    return None if schedule.offsets is None else planned_chart(schedule.offsets, load, plan.task.name)
