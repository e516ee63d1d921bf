"""The numbers, the report, the page and the exports of recordings, at a run's end and again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
import numpy as np

from fastbench.api.judging import NOTHING_MORE, Asking, Texts, completing, gates_of, good_columns, judged
from fastbench.api.recordings import by_run, name_of, recorded
from fastbench.client import advice_for
from fastbench.config import DEFAULT_STATS, STAGES, parse_stats, show
from fastbench.errors import RecordingError, UsageError
from fastbench.metrics import Assertion, Failure, Metrics, Rows, compute_for_page
from fastbench.options import keywords_named, window_fault
from fastbench.recording import (
    NOT_FINAL,
    OUTCOMES,
    ProgressCallback,
    Recording,
)
from fastbench.report import (
    FORMATS,
    PAGE,
    Finished,
    Published,
    answer_of,
    publish,
    publish_spec_decode,
    reading,
    render,
    replace,
    task_of,
    write_page,
)
from fastbench.report import export as write_export

if TYPE_CHECKING:
    from fastbench.api.result import Result

Source: TypeAlias = "Recording | Result"

Where = str | os.PathLike[str]

WHOLE = "total"
"""The stage that is the whole run."""
RESULTS = ("vllm", "llm-d")
"""Forms of exports that are a tool's result file, as JSON; the others have a row for each request."""
KINDS = 3
"""Kinds of failure that are named; the rest is one number."""
SERVICE_FAILED = 500
"""HTTP statuses from here on say that the service is at fault."""
_NO_FAILURE = frozenset({"ok", "cancelled", "dropped"})
"""Outcomes that the service did not cause."""


def compute(
    source: Source,
    stats: Sequence[str] | str = DEFAULT_STATS,
    stage: str = WHOLE,
    window: str | None = None,
    *,
    slo: Texts | None = None,
    stall: float | str | None = None,
    reading_speed: float | str | None = None,
    dialect: Texts = (),
) -> Metrics:
    """All numbers of a recording. The same recording gives the same numbers to the last bit.

    stats: names such as Average, Median, P99.9, in a sequence or as text with commas. stage: total, stable or auto.
    window: in its place those requests that begin in it, such as "30s:90s". slo: such as "ttft<500ms, tpot<50ms@99%",
    or several; stall: s, from which on a gap may be a stall; reading_speed: tokens/s; None: as the run was asked.
    dialect: tools, by whose rules too, such as "vllm,sglang" or "all"; the numbers are in `by_tool`. Raises ConfigError
    for a statistic that there is not and an SLO that cannot be read, UsageError for a stage that the recording does not
    have and a dialect that is not known.
    """
    recording = _recording(source)
    _check_part(stage, window)
    if window is not None and stage != WHOLE:
        raise UsageError(f"the stage {stage} and the window {window} exclude each other: name one of them")
    with keywords_named():
        asking = Asking(slo, stall, reading_speed, dialects=dialect)
    return judged(recording, parse_stats(stats), window or stage, asking).metrics


def check(source: Source, *assertions: str, stage: str = WHOLE, window: str | None = None) -> tuple[Assertion, ...]:
    """Whether statements hold of a recording, such as "ttft.p99<800ms", "failed<0.1%", "verdict=VALID".

    Each has `met`: True, False, or None where it cannot be told, and `why` then says why. Raises ConfigError for one
    that cannot be read, UsageError for one about what the run does not have.
    """
    _check_part(stage, window)
    asking = Asking(gates=gates_of(assertions))
    return judged(_recording(source), DEFAULT_STATS, window or stage, asking).metrics.assertions


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
    _check_part(WHOLE if stage is None else stage, window)
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
    part = window or stage or shown.stage
    return publish(recording, where, name, columns, stage=part, plot=page, complete=completing(recording)).paths


def export(source: Source, path: Where, *, form: str | None = None, tokens: bool = False) -> Path:
    """Writes the measured requests, a row each, to the file `path`, which it returns; or another tool's result file.

    form: csv, jsonl, parquet or hlog, None = by the file's suffix; vllm (what `vllm bench serve --save-result` writes)
    or llm-d (its Benchmark Report v0.2.1). tokens: the moments of their output events instead (of hlog: ITL as well; of
    vllm: `--save-detailed` as well). Raises UsageError for another form, and where the package that it needs is
    missing; RecordingError when the file cannot be written.
    """
    target = Path(path)
    chosen = form or target.suffix.lstrip(".").lower()
    known = (*FORMATS, *RESULTS)
    if chosen not in known:
        raise UsageError(f"{chosen or str(path)!r} is not an export format; give form= as one of {', '.join(known)}")
    recording = _recording(source)
    if chosen in RESULTS:
        # Imported late: no other report needs them.
        from fastbench.answers.result_files import llm_d_report, vllm_result

        computed = compute_for_page(recording, DEFAULT_STATS)
        result = vllm_result(computed, detailed=tokens) if chosen == "vllm" else llm_d_report(computed)
        # Errors repeat what the service said, and so perhaps a prompt: for the owner alone.
        replace(target, msgspec.json.format(msgspec.json.encode(result)) + b"\n", 0o600)
        return target
    write_export(recording, target, chosen, tokens=tokens, more=good_columns(recording))
    return target


def _recording(source: Source) -> Recording:
    recording = source if isinstance(source, Recording) else getattr(source, "recording", None)
    if not isinstance(recording, Recording):
        raise UsageError(
            f"{show(source)} is of type {type(source).__name__}; give a Result or a Recording, such as those of "
            "fastbench.runs(path) and fastbench.open(path)"
        )
    return recording


def _check_part(stage: object, window: object) -> None:
    """Raises UsageError for a stage or a window that cannot be one; a window that is None is not given."""
    if not isinstance(stage, str):
        raise UsageError(f"stage= is of type {type(stage).__name__}; give one of {', '.join(STAGES)}")
    fault = None if window is None else window_fault(window)
    if fault:
        raise UsageError(f"window= {fault}")


def recalculate(
    path: Path,
    *,
    stats: Sequence[str] | None = None,
    stage: str | None = None,
    page: bool = True,
    progress: ProgressCallback | None = None,
    asking: Asking = NOTHING_MORE,
) -> Published:
    """The report of the recording at `path`, computed and written beside it.

    stats, stage: None = those with which the run was reported. asking: what else is asked. page: whether the report
    page, and the chart of rates, are among the files. progress: called with the part done, 0 to 1. Raises UsageError as
    `compute`, RecordingError for a recording that cannot be read and a file that cannot be written.
    """
    recording = Recording.open(path, reading(progress))
    before = recorded(recording)
    return publish(
        recording,
        path.parent,
        name_of(path),
        stats or before.stats,
        progress,
        stage=stage or before.stage,
        plot=page,
        complete=completing(recording, asking),
    )


def spec_decode_blocks(reports: Mapping[Path, Published]) -> tuple[list[str], list[str]]:
    """Lines about the services' speculative decoding, run by run, and about files that could not be written.

    reports: of recordings, by their paths. The file of a run is written where all its recordings are among them: it is
    about the whole.
    """
    blocks: list[str] = []
    faults: list[str] = []
    for run in sorted(by_run(reports)):
        try:
            scrapes = chain.from_iterable(reports[path].spec_decode for path in run.paths)
            blocks += publish_spec_decode(scrapes, run.performances if run.whole else None)
        except RecordingError as error:
            faults.append(str(error))
    return blocks, faults


class Page(NamedTuple):
    """A page that was written, and the numbers on it. finished, tables: what the screen shows of it, and the guide's
    tables."""

    path: Path
    reported: tuple[Metrics, ...]
    finished: Finished
    tables: str


def page(path: Path, target: Path | None = None, *, stage: str | None = None, asking: Asking = NOTHING_MORE) -> Page:
    """The page of the recording at `path`, written to `target`, None = beside the tables. stage: None = that with
    which the run was reported. Raises as `recalculate`."""
    recording = Recording.open(path)
    shown = recorded(recording)
    name = name_of(path)
    computed = compute_for_page(recording, shown.stats, stage or shown.stage)
    task = task_of(recording, name)
    answer = answer_of(computed, task)
    written = write_page(recording, computed, answer, target or path.with_name(f"{name}{PAGE}"))
    shown_last = Finished(answer, written, advice(computed.metrics))
    return Page(written, (computed.metrics,), shown_last, render(computed.metrics, task))


def short_names(paths: Sequence[Path]) -> list[str]:
    """For each recording run, model and data set, without the common parts; all three if nothing is left."""
    places = [_place(path) for path in paths]
    differing = [part for part in range(3) if len({place[part] for place in places}) > 1] or [0, 1, 2]
    return ["/".join(place[part] for part in differing) for place in places]


def _place(path: Path) -> tuple[str, str, str]:
    """(run, model, data set) by where a recording lies."""
    parents = path.resolve().parents
    run = parents[2] if parents[1].name == "performances" else parents[1]
    return run.name, parents[0].name, name_of(path)


Failed = Counter[tuple[str, int]]
"""Requests by outcome and HTTP status; 0 where the status is not why they failed."""


def failures(metrics: Metrics) -> str | None:
    """How many requests failed, why, and the remedy for the most frequent cause, in a line; None if none failed."""
    line = failed_line(failed_of(metrics), sum(metrics.outcomes.values()))
    return line and f"{line}; {advice(metrics)}"


def advice(metrics: Metrics) -> str | None:
    """What to do about most of the failed requests; None where none failed."""
    most = next(filter(_is_failed, metrics.failures), None)
    if most is None:
        return None
    # Of one that answers others, url and model are right.
    unstreamed = most.outcome == "malformed" and "though a stream was asked for" in most.message
    if metrics.success and not unstreamed and (most.outcome == "malformed" or most.status >= SERVICE_FAILED):
        return "see the service's own log for why it failed them"
    return advice_for(most.outcome, most.status, most.message)


class Ended(NamedTuple):
    """The requests of a recording that have ended. failed: as `failures` has it, without advice."""

    requests: int
    ok: int
    failed: str | None


def ended_requests(path: Path) -> Ended:
    """The ended requests of the recording at `path`, which may be a shard without a report. Raises RecordingError."""
    rows = Recording.open(path).rows
    final = rows[rows["flags"] & NOT_FINAL == 0]
    ok = int(np.count_nonzero(final["outcome"] == OUTCOMES.index("ok")))
    return Ended(len(final), ok, failed_line(failed_in(final), len(final)))


def failed_of(metrics: Metrics) -> Failed:
    """The failed requests of a report; requests without an outcome belong to the verdict."""
    found: Failed = Counter()
    for failure in filter(_is_failed, metrics.failures):
        found[_kind(failure.outcome, failure.status)] += failure.count
    return found


def failed_in(rows: Rows) -> Failed:
    """The failed requests among the final rows of a recording."""
    kinds, counts = np.unique(rows[["outcome", "status"]], return_counts=True)
    found: Failed = Counter()
    for (code, status), count in zip(kinds.tolist(), counts.tolist(), strict=True):
        if OUTCOMES[code] not in _NO_FAILURE:
            found[_kind(OUTCOMES[code], status)] += count
    return found


def _is_failed(failure: Failure) -> bool:
    """Whether the service caused it and the verdict does not report it."""
    return failure.outcome == "others" or (failure.outcome in OUTCOMES and failure.outcome not in _NO_FAILURE)


def _kind(outcome: str, status: int) -> tuple[str, int]:
    return outcome, status if outcome == "http_error" else 0


def failed_line(failed: Failed, total: int) -> str | None:
    """The line, such as "56 of 60 requests failed: 50 http_error 503, 6 timeout"; None where none failed."""
    if not failed:
        return None
    ranked = sorted(failed.items(), key=lambda found: (-found[1], found[0]))
    named = [f"{count} {outcome}{f' {status}' if status else ''}" for (outcome, status), count in ranked[:KINDS]]
    rest = sum(count for _, count in ranked[KINDS:])
    kinds = ", ".join([*named, *([f"{rest} others"] if rest else [])])
    return f"{failed.total()} of {total} requests failed: {kinds}"
