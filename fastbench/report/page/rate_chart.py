"""Starts of requests → a page that shows how their rate is distributed, and a summary for the log."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from fastbench.metrics import AskedLoad, Selection
from fastbench.metrics.fidelity import OFF_SHARE, SHORT_NS, Kind, Moments, kinds, smoothed, starts_of
from fastbench.metrics.samples import section
from fastbench.recording import Recording
from fastbench.report.page.document import THEME_BUTTON, Figure, document, figure, pack
from fastbench.report.page.sections import table
from fastbench.units import NS_PER_MS, NS_PER_S

LEAST_RATE = 0.001
"""Below it nothing is paced."""
_SCRIPTS = ("rps.js",)
_LEAST_STARTS = 3
_BINS = (10, 100)


class RateChart(NamedTuple):
    """A page, and its summary as text."""

    page: bytes
    summary: str


def planned_chart(offsets_ns: Moments, load: dict[str, Any], task: str) -> RateChart | None:
    """The chart before anything is sent; None where no rate was asked for.

    offsets_ns: (n,) rising, when requests (or clients) are to begin. load: what was asked, as in a recording's
    header. task: "<model>/<data set>".
    """
    return _chart(offsets_ns, None, AskedLoad.of(load), task)


def actual_chart(recording: Recording, task: str) -> RateChart | None:
    """The chart of a run that is over, with the rate at which requests really went out.

    None where no rate was asked for, and for one share of a plan: the rate is that of all shares together.
    """
    if int(str(section(recording.header, "share").get("of", 1))) > len(recording.parts):
        return None
    selection = Selection(recording)
    starts = starts_of(selection)
    return _chart(starts.planned, starts.sent, selection.asked, task)


def _chart(planned: Moments, sent: Moments | None, load: AskedLoad, task: str) -> RateChart | None:
    rates = load.rates(planned.size)
    if rates is None or planned.size < _LEAST_STARTS or rates[-1] < LEAST_RATE:
        return None
    asked = _Asked(rates, load.burstiness, load.shape.rising)
    rows = [_counted("Planned", planned, asked)]
    data = {"planned": _planned(planned, asked)}
    if sent is not None and sent.size >= _LEAST_STARTS:
        rows.append(_counted("Sent", sent, asked))
        data["sent"] = _points(sent, asked)
    title = _title(asked)
    summary = str(tabulate(rows, _HEADERS, tablefmt="simple", disable_numparse=True))
    body = "".join(_body(title, task, rows, asked, planned))
    return RateChart(document(f"{title} · {task}", body, data, _SCRIPTS), f"{title}\n{summary}")


class _Asked(NamedTuple):
    """rates: (n,) per second, of each start."""

    rates: NDArray[np.float64]
    burstiness: float
    rising: str | None
    """How the rate changes, in a word."""


_KIND_NAMES = ("Normal RPS", "Time Interval Caused Anomaly", "Burstiness Caused Anomaly")
"""By `Kind`, in the legend, the summary and the list of meanings."""
_HEADERS = ("", "Starts", "Time", "Mean Rate", *_KIND_NAMES)


def _points(starts: Moments, asked: _Asked) -> dict[str, Any]:
    """Columns for the scripts. at: ns since the first start; kind: of the interval before each but the first."""
    found = kinds(starts, asked.rates[: starts.size], asked.burstiness)
    return {"at": pack(starts - starts[0], rising=True), "kind": pack(found)}


def _planned(starts: Moments, asked: _Asked) -> dict[str, Any]:
    data = _points(starts, asked)
    normal = np.diff(starts)[kinds(starts, asked.rates, asked.burstiness) == Kind.NORMAL]
    curve, points = smoothed(starts)
    # What a screen can show of a curve that is smooth.
    shown = np.unique(np.linspace(0, curve.size - 1, 2_000).round().astype(int))
    return {
        **data,
        "smooth": {
            "points": points,
            "x": ((starts[1:] - starts[0])[shown] / NS_PER_S).round(6).tolist(),
            "y": curve[shown].round(4).tolist(),
        },
        "theory": _theory(starts, asked),
        "rates": _histogram(NS_PER_S / np.maximum(normal, 1)),
        "intervals": {**_histogram(np.diff(starts) / NS_PER_MS), "shape": asked.burstiness},
        "mean_ms": None if asked.rising else 1000 / float(asked.rates[0]),
    }


def _theory(starts: Moments, asked: _Asked) -> dict[str, Any] | None:
    """The rates of a ramp, where they are asked for."""
    if asked.rising is None:
        return None
    shown = np.unique(np.linspace(0, starts.size - 1, 200).round().astype(int))
    at = (starts[shown] - starts[0]) / NS_PER_S
    return {"x": at.round(6).tolist(), "y": asked.rates[shown].round(6).tolist()}


def _histogram(values: NDArray[np.float64]) -> dict[str, Any]:
    """Bins by Scott's rule (Biometrika 66, 1979), at least 10 and at most 100."""
    if not values.size:
        return {"edges": [], "counts": []}
    width = 3.49 * float(values.std()) / values.size ** (1 / 3)
    span = float(values.max() - values.min())
    bins = int(np.clip(np.ceil(span / width) if width > 0 else 0, *_BINS))
    counts, edges = np.histogram(values, bins)
    return {"edges": edges.round(6).tolist(), "counts": counts.tolist()}


def _counted(name: str, starts: Moments, asked: _Asked) -> list[str]:
    found = np.bincount(kinds(starts, asked.rates[: starts.size], asked.burstiness), minlength=len(Kind))
    span = int(starts[-1] - starts[0])
    rate = f"{(starts.size - 1) * NS_PER_S / span:.4f} req/s" if span else "-"
    shares = [f"{count} ({100 * count / found.sum():.2f} %)" for count in found.tolist()]
    return [name, str(starts.size), f"{span / NS_PER_S:.3f} s", rate, *shares]


def _title(asked: _Asked) -> str:
    title = f"Request Per Second(RPS) Distribution Analysis | Target Rate: {asked.rates[-1]:.2f}"
    if asked.rising is None:
        return title
    strategy = asked.rising.capitalize()
    return f"{title} | {strategy} Ramp-up: {asked.rates[0]:.2f}→{asked.rates[-1]:.2f}"


def _body(title: str, task: str, rows: list[list[str]], asked: _Asked, planned: Moments) -> Iterator[str]:
    meanings = _meanings(planned, asked, is_sent=len(rows) > 1)
    yield (f"<header><div><h1>{escape(title)}</h1><p class=meta>{escape(task)}</p></div>{THEME_BUTTON}</header>")
    yield f"<section><h2>Summary</h2>{table(_HEADERS, rows, kind='numbers')}</section>"
    yield '<div class="quarters">'
    yield figure(Figure("rps", "Time vs RPS - Distribution", "Click an entry of the legend to show its points.", 420))
    yield figure(Figure("counts", "Expected: RPS vs Request Count", "Without anomalies.", 420))
    yield figure(Figure("gamma", f"Expected: Gamma Distribution (burstiness: {asked.burstiness:g})", "", 420))
    yield f"<section><h2>What is what</h2>{table(('Name', 'Meaning'), meanings, kind='words')}</section></div>"


def _meanings(planned: Moments, asked: _Asked, *, is_sent: bool) -> Iterator[tuple[str, str]]:
    """Of what is in the charts, under its name there."""
    short, off = SHORT_NS / NS_PER_MS, f"{OFF_SHARE:.0%}"
    explained = (
        "planned, and no anomaly",
        f"an interval below {short:g} ms (where more than 500 req/s are asked for: below half of the asked interval)",
        f"an interval that differs from the asked one by more than {off} of it",
    )
    yield "RPS", f"1 / interval between neighbouring starts, of {planned.size} starts"
    found = np.unique(kinds(planned, asked.rates, asked.burstiness)).tolist()
    for kind in found:
        yield _KIND_NAMES[kind], explained[kind]
    if is_sent:
        yield "Actual RPS: After Excluding Anomalies", "of the moments sent, without anomalies"
    yield "EWMA", "1 / exponentially weighted mean of the planned intervals"
    if asked.rising is not None:
        yield "Theoretical Ramp-up", "the rate that was asked for at each start"
