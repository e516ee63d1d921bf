"""What the files have in common: distributions, and what the header says of the load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from fastbench.metrics import Rows, Selection
from fastbench.metrics.samples import Samples, percentile, section
from fastbench.units import NS_PER_S

PERCENTS = (0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9)
"""Those of llm-d's report, all of which its importer of vLLM's files asks for."""
US_PER_S = 1_000_000


class Spread(Samples, Protocol):
    """Samples that know how far they are from their mean."""

    @property
    def deviation(self) -> float:
        """Their standard deviation."""


class Distribution(NamedTuple):
    """Of samples, in the unit shown. percentiles: those asked for."""

    mean: float
    deviation: float
    minimum: float
    maximum: float
    percentiles: tuple[float, ...]


def distribution(samples: Spread, scale: float, percents: Sequence[float] = PERCENTS) -> Distribution | None:
    """scale: how many of the samples' unit are one of the unit shown. None without samples."""
    if not samples.size:
        return None
    return Distribution(
        samples.total / samples.size / scale,
        samples.deviation / scale,
        samples.at(0) / scale,
        samples.at(samples.size - 1) / scale,
        tuple((percentile(samples, percent) or 0.0) / scale for percent in percents),
    )


def sent_rows(selection: Selection) -> Rows:
    """The measured requests that went out, in the order of the plan."""
    final = selection.final
    sent: Rows = final[final["sent_ns"] > 0]
    return sent[np.argsort(sent["request"], kind="stable")]


def first_sent_s(selection: Selection) -> float | None:
    """When the first request was sent, s since 1970; None where none was, or the header has no wall clock."""
    sent = sent_rows(selection)
    wall, mono = selection.header.get("wall_ns"), selection.header.get("mono_ns")
    if not sent.size or not isinstance(wall, int) or not isinstance(mono, int):
        return None
    return (int(sent["sent_ns"].min()) + wall - mono) / NS_PER_S


def wall_s(selection: Selection) -> float:
    """How long all requests took, failed ones too, s."""
    sent = sent_rows(selection)
    ended = sent[sent["end_ns"] > 0]
    return int(ended["end_ns"].max() - sent["sent_ns"].min()) / NS_PER_S if ended.size else 0.0


def positive(load: Mapping[str, Any], name: str) -> float | None:
    """A number above 0 of the header's load; None where there is none."""
    value = load.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def load_of(selection: Selection) -> dict[str, Any]:
    """What the header says of the load."""
    return section(selection.header, "load")
