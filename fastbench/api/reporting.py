"""The numbers, the report and the exports of a recording, again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fastbench.api.recordings import name_of, recorded
from fastbench.config import DEFAULT_STATS, parse_stats
from fastbench.errors import UsageError
from fastbench.metrics import Metrics
from fastbench.metrics import compute as compute_metrics
from fastbench.recording import Recording
from fastbench.report import FORMATS, publish
from fastbench.report import export as write_export

if TYPE_CHECKING:
    from fastbench.api.result import Result

Source: TypeAlias = "Recording | Result"

Where = str | os.PathLike[str]


def compute(
    source: Source,
    stats: Sequence[str] | str = DEFAULT_STATS,
    stage: str = "total",
    window: str | None = None,
) -> Metrics:
    """All numbers of a recording. The same recording gives the same numbers to the last bit.

    stats: names such as Average, Median, P99.9, in a sequence or as text with commas. stage: total, stable or auto.
    window: in its place those requests that begin in it, such as "30s:90s". Raises ConfigError for a statistic that
    there is not, UsageError for a stage that the recording does not have.
    """
    return compute_metrics(_recording(source), parse_stats(stats), stage, window=window)


def report(
    source: Source,
    path: Where | None = None,
    *,
    stats: Sequence[str] | str | None = None,
    stage: str | None = None,
    window: str | None = None,
    page: bool = True,
) -> tuple[Path, ...]:
    """Writes the files of a report to the directory `path`: tables as csv and json, and the page. Returns their paths.

    path: None = beside the recording, as the command line does; a Recording has no such place. stats, stage: None = as
    the run was reported. page: whether the report page, and the chart of rates, are among them. Raises UsageError as
    `compute`, RecordingError when a file cannot be written.
    """
    if stage is not None and window is not None:
        raise UsageError("stage= and window= name two parts of the run; give one of them")
    recording, shown = _recording(source), recorded(_recording(source))
    if not isinstance(source, Recording):
        name = name_of(source.path)
        shown = shown._replace(stats=source.metrics.stats, stage=source.metrics.stage)
    else:
        name = str(recording.header.get("task", {}).get("dataset", "recording"))
    if path is None and isinstance(source, Recording):
        raise UsageError("name the directory for the report's files: a Recording does not say where they belong")
    where = Path(path) if path is not None else source.path.parent  # type: ignore[union-attr]  # a Result, see above
    columns = shown.stats if stats is None else parse_stats(stats)
    return publish(recording, where, name, columns, stage=window or stage or shown.stage, plot=page).paths


def export(source: Source, path: Where, *, form: str | None = None, tokens: bool = False) -> Path:
    """Writes the measured requests, a row each, to the file `path`, which it returns.

    form: csv, jsonl, parquet or hlog; None = by the file's suffix. tokens: the moments of their output events instead
    (of hlog: ITL as well). Raises UsageError for another form, and where the package that it needs is missing;
    RecordingError when the file cannot be written.
    """
    target = Path(path)
    chosen = form or target.suffix.lstrip(".").lower()
    if chosen not in FORMATS:
        raise UsageError(f"{chosen or str(path)!r} is no form of export; give form= as one of {', '.join(FORMATS)}")
    write_export(_recording(source), target, chosen, tokens=tokens)
    return target


def _recording(source: Source) -> Recording:
    return source if isinstance(source, Recording) else source.recording
