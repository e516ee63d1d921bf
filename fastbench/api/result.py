"""The result of a task: verdicts, metrics, outcomes, and each request with its time stamps; and by the names of `vllm
bench serve`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench.answers.result_files import VllmAsked as VllmAsked
from fastbench.answers.result_files import vllm_numbers
from fastbench.api.judging import good_columns, judged
from fastbench.api.recordings import all_recordings, name_of, recorded
from fastbench.api.reporting import advice
from fastbench.config import DEFAULT_STATS
from fastbench.errors import RecordingError, UsageError
from fastbench.metrics import (
    Assertion,
    Common,
    GoodRequests,
    Metrics,
    Number,
    Parameter,
    ServiceVerdict,
    Values,
    Verdict,
    compute_for_page,
)
from fastbench.recording import NOT_FINAL, ROW_DTYPE, TEXTS, Recording, part_number, part_path, part_paths
from fastbench.report import (
    PAGE,
    Finished,
    answer_of,
    plain,
    request_columns,
    service_statement,
    summarize,
    task_of,
)
from fastbench.units import NS_PER_MS

_RECORDED = frozenset(ROW_DTYPE.names or ())


class Figures(Mapping[str, Number]):
    """One metric: its statistics by name, such as `figures["P99"]`, in `unit`; None where there is nothing to compute
    one from."""

    def __init__(self, row: Parameter) -> None:
        self.row = row

    def __getitem__(self, statistic: str) -> Number:
        if statistic not in self.row.values:
            raise KeyError(
                f"{self.row.name} has no {statistic} here, only {', '.join(self.row.values)}: name it in stats="
            )
        return self.row.values[statistic]

    def __iter__(self) -> Iterator[str]:
        return iter(self.row.values)

    def __len__(self) -> int:
        return len(self.row.values)

    @property
    def name(self) -> str:
        """The metric's, such as TTFT."""
        return self.row.name

    @property
    def unit(self) -> str:
        """ms, token/s, …; "" for a count."""
        return self.row.unit

    @property
    def n(self) -> int:
        """Requests behind the figures."""
        return self.row.n

    @property
    def samples(self) -> int:
        """Values behind the figures: of ITL there is one for each gap."""
        return self.row.samples

    @property
    def too_few(self) -> tuple[str, ...]:
        """The percentiles for which there are too few samples."""
        return self.row.marked

    @property
    def intervals(self) -> Mapping[str, tuple[float, float]]:
        """Between what the average and the percentiles lie with 95 % confidence, by statistic, in `unit`; empty where
        the run is too short to tell."""
        return self.row.intervals

    def interval(self, statistic: str) -> tuple[float, float] | None:
        """That of one statistic; None where the run is too short to tell. KeyError as `[…]`."""
        _ = self[statistic]
        return self.row.intervals.get(statistic)

    @property
    def unsure(self) -> Mapping[str, tuple[float, float]]:
        """The least and the most that a statistic can be, of those that the client's stalls leave uncertain."""
        return {name: self.row.bounds[name] for name in self.row.unsure}

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {'-' if value is None else f'{value:.6g}'}" for name, value in self.items())
        return f"<{self.name}{f' in {self.unit}' if self.unit else ''}: {figures}; n = {self.n}>"


class Result:
    """The result of one task: a view of its recording.

    `result["TTFT"]["P99"]` is a figure, `result.common["Output Token Throughput"].value` one of the run as a whole. The
    recording stays open for as long as `recording`, or the arrays of `requests`, are kept.
    """

    def __init__(
        self,
        path: Path,
        *,
        stats: Sequence[str] | None = None,
        stage: str | None = None,
        name: str | None = None,
        complete: bool | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        """path: of the recording. stats, stage: None = those that the run was reported with. name, complete: None = as
        the recording says."""
        # Wherever the current directory is changed to.
        self.path = path.absolute()
        self.remarks = tuple(remarks)
        """Remarks for the user about how the run went, a sentence each."""
        self._asked = stats, stage
        self._name = name
        self._complete = complete
        self._was_recorded = self._is_there()

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open: a copy opens it again."""
        return {name: value for name, value in self.__dict__.items() if name not in ("recording", "requests")}

    def _is_there(self) -> bool:
        return part_paths(self.path)[0].is_file()

    @cached_property
    def recording(self) -> Recording:
        """The recording, opened when it is first asked for. Raises RecordingError where it cannot be read."""
        return self._opened()

    def _opened(self) -> Recording:
        if not self._is_there():
            why = (
                "it was moved or deleted" if self._was_recorded else "the run was stopped before anything was recorded"
            )
            raise RecordingError(f"{self.path} has no recording: {why}")
        return Recording.open(self.path)

    @cached_property
    def metrics(self) -> Metrics:
        """All numbers of the report. Raises UsageError for a stage that the recording does not have."""
        # Opened and closed here: metrics alone must not keep a file open.
        recording = self.__dict__.get("recording") or self._opened()
        shown = recorded(recording)
        stats, stage = self._asked
        self._name = self._name or task_of(recording, name_of(self.path))
        return judged(recording, stats or shown.stats, stage or shown.stage).metrics

    @property
    def name(self) -> str:
        """`model/data set`."""
        return self._name or task_of(self.recording, name_of(self.path))

    @property
    def directory(self) -> Path:
        """The run's directory, with its config, its logs and the recordings of all its tasks."""
        parents = self.path.parents
        return parents[2] if parents[1].name == "performances" else parents[0]

    @cached_property
    def complete(self) -> bool:
        """Whether the run came to the end of its plan."""
        if self._complete is not None:
            return self._complete
        footer = self.recording.footer
        return footer is not None and not footer.get("interrupted")

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped, or broken off, before the end of its plan."""
        return not self.complete

    @property
    def verdict(self) -> Verdict:
        """Whether the measurement can be trusted: `valid`, `word` (VALID or INVALID), and the `sentences` that say why
        not."""
        return self.metrics.verdict

    @property
    def service_verdict(self) -> ServiceVerdict:
        """Whether the service kept up, and what failed; rates in requests/s."""
        return self.metrics.kept_up

    @property
    def service(self) -> str:
        """The service's verdict, in a sentence."""
        return service_statement(self.metrics)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Requests by how they ended; their sum is the number planned."""
        return self.metrics.outcomes

    @property
    def slos(self) -> tuple[GoodRequests, ...]:
        """What became of each SLO that the run was asked to keep: `share` good, `interval`, `request_rate`,
        `token_rate`, `broken`, `met`. `fastbench.compute(result, slo="…").slos` has those of others."""
        return self.metrics.slos

    def check(self, *assertions: str) -> tuple[Assertion, ...]:
        """Whether statements hold, such as "ttft.p99<800ms": see `fastbench.check`."""
        from fastbench.api.reporting import check

        return check(self, *assertions, stage=self.metrics.stage)

    @cached_property
    def _figures(self) -> Mapping[str, Figures]:
        return {row.name: Figures(row) for row in (*self.metrics.parameters, *self.metrics.further)}

    @cached_property
    def common(self) -> Mapping[str, Common]:
        """The table "Common Metric" by name: each has `value` and `unit`."""
        return {row.name: row for row in self.metrics.common}

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that it has figures of."""
        return tuple(self._figures)

    def __getitem__(self, metric: str) -> Figures:
        """The figures of a metric of each request. KeyError for an unknown one."""
        if metric not in self._figures:
            also = f"; {metric} is in common[…]" if metric in self.common else ""
            raise KeyError(f"there is no {metric}, only {', '.join(self._figures)}{also}")
        return self._figures[metric]

    def __contains__(self, metric: object) -> bool:
        return metric in self._figures

    def __iter__(self) -> Iterator[str]:
        """The names of the metrics that it has figures of."""
        return iter(self._figures)

    @cached_property
    def requests(self) -> Mapping[str, NDArray[Any]]:
        """The measured requests as columns, (n,) each, in the order in which they finished; docs/api.md has them all.

        `…_ns`: moments, int64 ns of CLOCK_MONOTONIC (`sent_unix_ns`: since 1970), 0 where there was none. `…_ms`, and
        what packages' metrics add: float64, NaN where there is none, as of requests that failed. `…_tokens`,
        `planned_…`: -1 = unknown. `status`: 0 = no answer. `outcome`, `message`, …: texts, or None.
        """
        pieces = list(request_columns(self.recording, good_columns(self.recording)))
        return {name: np.concatenate([_filled(name, piece[name]) for piece in pieces]) for name in pieces[0]}

    def gaps_ms(self, request: int) -> NDArray[np.float64]:
        """(events - 1,): the times between the output events of a request, ms. request: its number in the plan, as in
        `requests["request"]`; KeyError for one that was not measured."""
        return self.recording.gaps_us(self._row(request)) / 1_000

    def token_ms(self, request: int) -> NDArray[np.float64]:
        """(events,): when each output event of a request arrived, ms since it was sent. KeyError as `gaps_ms`."""
        row = self._row(request)
        sent_ns = int(self.recording.rows["sent_ns"][row])
        return (self.recording.token_ns(row) - sent_ns) / NS_PER_MS

    def _row(self, request: int) -> int:
        rows = self.recording.rows
        (found,) = np.nonzero((rows["request"] == request) & (rows["flags"] & NOT_FINAL == 0))
        if not found.size:
            raise KeyError(f"no request {request} was measured")
        return int(found[-1])

    def to_arrow(self) -> Any:
        """`requests` as a pyarrow.Table, null where there is nothing. UsageError without the package pyarrow."""
        from fastbench.report import requests_table

        return requests_table(self.recording, good_columns(self.recording))

    def to_pandas(self) -> Any:
        """`requests` as a pandas.DataFrame. UsageError without the package pandas."""
        try:
            import pandas  # type: ignore[import-untyped, import-not-found, unused-ignore]  # it need not be there
        except ImportError as error:
            raise UsageError("to_pandas() needs the package pandas: pip install pandas; or take requests") from error
        return pandas.DataFrame(dict(self.requests))

    def report(self, path: Path | str | None = None, *, page: bool = True) -> tuple[Path, ...]:
        """Writes the report's files to the directory `path`, by default beside the recording, as the command line
        does. Returns their paths. page: whether the report page is among them."""
        from fastbench.api.reporting import report

        return report(self, path, page=page)

    def __repr__(self) -> str:
        try:
            return f"<Result {self.name}: {', '.join(self._said())}; {self.path}>"
        except (RecordingError, UsageError) as error:
            return f"<Result: {error}>"

    def __str__(self) -> str:
        """The summary that the command line ends with on a terminal. It is counted when it is first asked for."""
        try:
            return self._summary
        except (RecordingError, UsageError) as error:
            return str(error)

    @cached_property
    def _summary(self) -> str:
        metrics = self.metrics
        computed = judged(self._opened(), metrics.stats, metrics.stage)
        page = self.path.with_name(f"{name_of(self.path)}{PAGE}")
        task = Finished(answer_of(computed, self.name), page if page.is_file() else None, advice(metrics))
        return plain(summarize([task])).rstrip()

    def _said(self) -> Iterator[str]:
        yield self.verdict.word
        yield f"{self.metrics.success} of {sum(self.outcomes.values())} ok"
        if "TTFT" in self and self["TTFT"].get("P99") is not None:
            yield f"TTFT P99 {self['TTFT']['P99']:.2f} ms"
        rate = self.common.get("Output Token Throughput")
        if rate is not None and rate.value is not None:
            yield f"{rate.value:.1f} {rate.unit}"
        if self.interrupted:
            yield "interrupted"

    def _repr_html_(self) -> str:
        """For notebooks."""
        from fastbench.api.html import html

        return html(self)


def _filled(name: str, column: Values) -> NDArray[Any]:
    """The values of a column, filled where there is none."""
    values: NDArray[Any] = column.values
    if name in _RECORDED:
        return values
    nothing: float | None
    if values.dtype == object:
        filled, nothing = values.copy(), None
    elif name == "sent_unix_ns":
        filled, nothing = values.copy(), 0
    else:
        filled, nothing = values.astype(np.float64), np.nan
    filled[~column.known] = nothing
    return filled


def runs(path: str | os.PathLike[str]) -> Iterator[Result]:
    """The result of each task recorded below `path`: a recording, a run, a part of it, or a work dir, whose runs come
    in the order of their names, the oldest first.

    Raises UsageError for what is no directory, NotARunError where there is no recording.
    """
    return (Result(found) for found in all_recordings(Path(path)))


def numbers_for_vllm(path: Path, asked: VllmAsked) -> dict[str, Any]:
    """What `vllm bench serve` would have measured in the recording at `path`, by the names of its result file; with
    `detailed` the replies' texts too, where they were recorded. Raises RecordingError, and UsageError where its lists
    would be too long."""
    computed = compute_for_page(Recording.open(path), DEFAULT_STATS)
    return vllm_numbers(computed, asked._replace(texts=dict(_texts(path))) if asked.detailed else asked)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The text of each request's last attempt that had any."""
    for part in part_paths(path):
        texts = part_path(path, TEXTS, part_number(part))
        if texts.exists():
            with texts.open("rb") as lines:
                for row in map(msgspec.json.decode, lines):
                    yield int(row["request"]), str(row.get("text", ""))
