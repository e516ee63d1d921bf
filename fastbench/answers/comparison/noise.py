"""How much runs of one service differ from each other, where a side has too few runs to tell by itself.

What is known is, in this order: what the user says (`--run-noise`); the scatter of a side that has several runs; that
of earlier runs of the same workload and configuration. Where nothing is known, differences below `UNSEEN` are at most
*cannot tell*: Abedi and Brecht, "Conducting repeatable experiments in highly variable cloud computing environments",
ICPE 2017, found identical systems called up to 38 % apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fastbench.answers.comparison.estimates import Estimate

UNSEEN = 0.10
"""A difference, as a ratio less 1, that two runs of the same service may have when nobody knows their noise."""
LEAST_DEGREES = 2

Key = tuple[str, str]
"""(name, statistic) of a number."""


class RunNoise(NamedTuple):
    """The standard deviation of the logarithm from run to run, and its degrees of freedom. whole: whether it has the
    error within runs in it, as observed noise has."""

    deviation: float
    degrees: float = math.inf
    whole: bool = False


class Known(NamedTuple):
    """What is known of run-to-run noise. given: by the user, a share such as 0.02, None: nothing. history: groups of
    earlier runs of one configuration: for each its numbers, by key, (runs,)."""

    given: float | None = None
    history: Sequence[Mapping[Key, Sequence[float]]] = ()


def noise_of(key: Key, a: Estimate, b: Estimate, known: Known) -> RunNoise | None:
    """Of one number; None where nobody knows. It does not matter where both sides tell by their own runs."""
    if known.given is not None:
        return RunNoise(math.log1p(known.given))
    sides = [side.points for side in (a, b) if side.runs > 1]
    found = _pooled(sides)
    if found is not None:
        return found
    earlier = [np.log(group[key]).tolist() for group in known.history if key in group and min(group[key]) > 0]
    return _pooled(earlier)


def _pooled(groups: Sequence[Sequence[float]]) -> RunNoise | None:
    """Of the logarithms of several groups of runs, each around its own mean."""
    degrees = sum(len(group) - 1 for group in groups)
    if degrees < LEAST_DEGREES:
        return None
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    return RunNoise(math.sqrt(squares / degrees), degrees, whole=True)
