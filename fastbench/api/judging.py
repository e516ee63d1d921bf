"""What is asked of reports beyond their numbers: from a recording's config, from options, from Python; and what of it
is written for continuous integration."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbench.answers import Asked, Gate, answered, check_classes, code_of, good_mask, parse_gate
from fastbench.config import AnswerSettings, Issues
from fastbench.config.fields import check_fields
from fastbench.errors import RecordingError, UsageError
from fastbench.metrics import OWN_METRICS, Computed, Metrics, Selection, Values, compute_for_page
from fastbench.metrics.samples import TOTAL
from fastbench.recording import ProgressCallback, Recording, header_of
from fastbench.report import Checked, Published, checked, junit, markdown, replace
from fastbench.slo import parse_slos

if TYPE_CHECKING:
    from fastbench.config import RunConfig
    from fastbench.plan import RunPlan

__all__ = [
    "NOTHING_MORE",
    "Asking",
    "Checked",
    "append_summary",
    "checks_of",
    "code_of",
    "completing",
    "deciding",
    "dialect_names",
    "gates_of",
    "good_columns",
    "judged",
    "write_checks",
]

Texts = str | Sequence[str]
JOB_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file of a job's summary."""


class Asking:
    """What a caller asks; None: as the run was asked. slo: texts, each an SLO. stall: s, or text such as "1s".
    reading_speed: tokens/s, or text such as "10/s". gates: statements. dialects: tools, by whose rules too, names or
    text with commas; all: every one."""

    def __init__(
        self,
        slo: Texts | None = None,
        stall: float | str | None = None,
        reading_speed: float | str | None = None,
        gates: Sequence[Gate] = (),
        dialects: Texts = (),
    ) -> None:
        """Raises ConfigError for what cannot be read, UsageError for a dialect that is not known."""
        given = {"slo": slo, "stall": stall, "reading_speed": reading_speed}
        self._given = _checked({name: value for name, value in given.items() if value is not None}, "")
        self.gates = tuple(gates)
        self.dialects = dialect_names(dialects)

    @property
    def is_own(self) -> bool:
        """Whether the caller asks of SLOs or makes statements, beside what the run was asked."""
        return bool(self.gates) or "slo" in self._given

    def check(self, plan: RunPlan) -> None:
        """Raises UsageError for a statement about a class that the requests of a task will not have."""
        for task in plan.tasks:
            check_classes(self.gates, task.classes, task.task.name)

    def of(self, recording: Recording) -> Asked:
        """What is asked of one recording."""
        config = recording.header.get("config")
        names = AnswerSettings.__struct_fields__
        recorded = {name: config[name] for name in names if name in config} if isinstance(config, Mapping) else {}
        settings = AnswerSettings(**{**_checked(recorded, "the header of the recording"), **self._given})
        return Asked(parse_slos(settings.slo), self.gates, settings.stall, settings.reading_speed, self.dialects)


def _checked(raw: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The settings that are in `raw`. Raises ConfigError."""
    given = {**raw, "slo": (raw["slo"],)} if isinstance(raw.get("slo"), str) else dict(raw)
    # Of keywords and options, by their names.
    issues = Issues(source, {} if source else {name: f"--{name.replace('_', '-')}" for name in given})
    found = check_fields(AnswerSettings, given, "", issues)
    issues.check()
    parse_slos(found.get("slo", ()))
    return found


def dialect_names(given: Texts) -> tuple[str, ...]:
    """The tools that are named in texts with commas; all = every one. UsageError for one that is not known."""
    texts = (given,) if isinstance(given, str) else tuple(given)
    names = [name for text in texts for name in text.replace(" ", "").split(",") if name]
    if not names:
        return ()
    # Imported late: most reports have no other tool's numbers.
    from fastbench.answers.number_dialects import NUMBER_DIALECTS, chosen_dialects

    if names == ["all"]:
        return tuple(NUMBER_DIALECTS)
    return tuple(tool.name for tool in chosen_dialects(names))


NOTHING_MORE = Asking()


def judged(
    recording: Recording,
    stats: Sequence[str],
    stage: str = TOTAL,
    asking: Asking = NOTHING_MORE,
    progress: ProgressCallback | None = None,
) -> Computed:
    """The numbers of a stage, with their intervals and with what is asked. Raises as `compute`."""
    return answered(compute_for_page(recording, stats, stage, progress), asking.of(recording))


def completing(recording: Recording, asking: Asking = NOTHING_MORE) -> Callable[[Computed], Computed]:
    """What adds to the numbers of a recording's report, whatever its stage is, what else is asked of it."""
    asked = asking.of(recording)
    return lambda computed: answered(computed, asked)


def good_columns(recording: Recording) -> dict[str, Values]:
    """For exports: of each row of the recording whether its request is good, by each SLO that the run was asked to
    keep: `good`, `good_2`, …; none by one about moments that the run did not measure."""
    selection = Selection(recording)
    columns = {}
    for number, slo in enumerate(NOTHING_MORE.of(recording).slos, 1):
        spread = Values(np.zeros(selection.rows.size, np.int64), selection.final_mask)
        with contextlib.suppress(UsageError):  # it needs a stream's moments
            spread.values[selection.final_mask] = good_mask(selection, slo.clauses)
            columns["good" if number == 1 else f"good_{number}"] = spread
    return columns


def gates_of(texts: Sequence[str], run: RunConfig | None = None) -> tuple[Gate, ...]:
    """The statements that texts make. run: the run that they will be about, where it is not done yet. Raises
    ConfigError for one that cannot be read, UsageError for one about what the run will not measure."""
    gates = tuple(map(parse_gate, texts))
    streams = {metric.name.lower() for metric in OWN_METRICS if metric.streams_only}
    for gate in gates:
        if run is not None and gate.name in streams and not any(service.stream for service in run.models):
            raise UsageError(
                f"the assertion {gate.text!r} is about {gate.name}, which the run will not have, as it does not "
                "stream: leave --no-stream out, or assert e2el"
            )
    return gates


def deciding(reports: Mapping[Path, Published], asking: Asking) -> list[Metrics]:
    """Of reports, by their recordings, those whose SLOs and statements decide the exit code: not the levels of a
    search, of which some are there to break its SLO, unless the caller asks something of them."""
    return [published.metrics for path, published in reports.items() if asking.is_own or "visit" not in header_of(path)]


def checks_of(task: str, published: Published | None, fault: str = "") -> Checked:
    """What continuous integration reads of a task. fault: why there is no report."""
    return Checked(task, None, fault=fault) if published is None else checked(task, published.metrics, published.answer)


def write_checks(
    tasks: Sequence[Checked],
    junit_file: str | None,
    summary_file: str | None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Writes JUnit XML and the Markdown summary to the files that are named, and appends the summary to the job's where
    the environment names that. Raises RecordingError for a file that cannot be written."""
    if junit_file:
        replace(Path(junit_file), junit(tasks))
    text = markdown(tasks)
    if summary_file:
        replace(Path(summary_file), text.encode())
    if junit_file or summary_file or any(map(_is_judged, tasks)):
        append_summary(text, environment)


def append_summary(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Appends Markdown to the job's summary where the environment names that. Raises RecordingError for a file that
    cannot be written."""
    job = environment.get(JOB_SUMMARY)
    if not job:
        return
    try:
        with open(job, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RecordingError(f"the summary {job} ({JOB_SUMMARY}) cannot be written: {error.strerror}") from error


def _is_judged(task: Checked) -> bool:
    metrics: Metrics | None = task.metrics
    return metrics is None or bool(metrics.slos or metrics.assertions)
