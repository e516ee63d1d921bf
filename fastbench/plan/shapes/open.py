"""Open loops: each request goes out at its time, however many are in flight; by a law, or at times of the data set."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from msgspec import Meta

from fastbench.config.fields import PositiveRate
from fastbench.plan.shapes.rates import Offsets, Rates, arrivals, count_within, steady
from fastbench.plan.shapes.schedule import Schedule
from fastbench.plan.shapes.shape import Begun, LoadShape, LoadSpec, Stretch, open_loop

STEPS = 8
"""Stages of a ramp."""

Strategy = Annotated[
    Literal["linear", "exponential"], Meta(extra_json_schema={"description": '"linear" or "exponential"'})
]
Burstiness = Annotated[float, Meta(ge=0, le=1_000_000)]


class OpenLoop(LoadShape, frozen=True, kw_only=True):
    """What the open loops of one law share."""

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """Over `count` requests, or over the whole time."""
        return open_loop(spec, self.times(count, spec.duration_ns, spec.seed))

    def times(self, count: int, duration_ns: int | None, seed: int) -> Offsets:
        """(n,) ns since the start, rising: of `count` requests, or of as many as fill `duration_ns`."""
        raise NotImplementedError


class Constant(OpenLoop, frozen=True, kw_only=True, tag_field="type", tag="constant"):
    """Even spacing."""

    name: ClassVar[str] = "constant"

    rate: PositiveRate
    """Requests per second."""

    def times(self, count: int, duration_ns: int | None, seed: int) -> Offsets:
        """At i / rate."""
        return _of_one_rate(self.rate, self.burstiness, count, duration_ns, seed)

    def rates(self, count: int) -> Rates:
        """The same for all."""
        return np.full(count, self.rate)

    def words(self) -> str:
        """Name and rate."""
        return f"{self.name} at {self.rate:g}/s"

    def headline(self, limit: int | None) -> str:
        """The rate; an even one is not named."""
        scatter = f", {self.name.capitalize()}" if self.burstiness else ""
        return f"{self.rate:g} requests/s{scatter} (open loop)"


class Poisson(Constant, frozen=True, kw_only=True, tag_field="type", tag="poisson"):
    """A Poisson process: intervals are exponential."""

    name: ClassVar[str] = "poisson"

    @property
    def burstiness(self) -> float:
        """The exponential distribution's."""
        return 1.0


class Gamma(Constant, frozen=True, kw_only=True, tag_field="type", tag="gamma"):
    """Intervals of a gamma distribution."""

    name: ClassVar[str] = "gamma"

    burstiness: Burstiness
    """Below 1 burstier than Poisson, above 1 more even."""


class Ramp(OpenLoop, frozen=True, kw_only=True, tag_field="type", tag="ramp"):
    """A rate that changes from the first request to the last one, or to the end of the time."""

    name: ClassVar[str] = "ramp"

    start: PositiveRate
    """Requests per second."""
    end: PositiveRate
    strategy: Strategy = "linear"
    burstiness: Burstiness = 0.0
    """Of the gamma distribution of intervals; 0 = no scatter."""

    def times(self, count: int, duration_ns: int | None, seed: int) -> Offsets:
        """A ramp ends with the time, where there is one."""
        if duration_ns is not None:
            count = max(1, count_within(self._mean, duration_ns))
        return arrivals(self.rates(count), self.burstiness, seed)

    def rates(self, count: int) -> Rates:
        """From `start` at the first request to `end` at the last.

        linear: start + (end - start) p, exponential: start (end / start)^p, with p = i / (count - 1).
        """
        progress: Rates = np.arange(count) / max(count - 1, 1)
        if self.strategy == "exponential":
            return np.asarray(self.start * (self.end / self.start) ** progress)
        return self.start + (self.end - self.start) * progress

    @property
    def _mean(self) -> float:
        """Requests over time without scatter: the harmonic mean of the rates."""
        if self.start == self.end:
            return self.start
        if self.strategy == "exponential":
            return math.log(self.end / self.start) / (1 / self.start - 1 / self.end)
        return (self.end - self.start) / math.log(self.end / self.start)

    @property
    def rising(self) -> str:
        """linear or exponential."""
        return self.strategy

    def stages(self, begun: Begun) -> Iterator[Stretch]:
        """Equal steps of the rate."""
        moments = begun.moments_ns
        rates = self.rates(moments.size if begun.planned is None else max(begun.planned, moments.size))
        edges = np.linspace(rates[0], rates[-1], STEPS + 1)
        rising = rates[-1] >= rates[0]
        at = np.searchsorted(rates if rising else -rates, edges[1:-1] if rising else -edges[1:-1])
        bounds = [0, *np.minimum(at, moments.size).tolist(), moments.size]
        for step, (first, stop) in enumerate(itertools.pairwise(bounds)):
            if stop > first:
                end = int(moments[stop]) if stop < moments.size else int(moments[-1]) + 1
                low, high = float(edges[step]), float(edges[step + 1])
                yield Stretch(f"{low:g}-{high:g}/s", int(moments[first]), end, (low + high) / 2)

    def words(self) -> str:
        """Its name."""
        return self.name

    def headline(self, limit: int | None) -> str:
        """Its ends."""
        return f"{self.start:g} to {self.end:g} requests/s, {self.strategy} (open loop)"


def of_rate(rate: float, burstiness: float) -> Constant:
    """The open loop of one rate whose intervals scatter so."""
    above_0 = PositiveRate(rate)
    if not burstiness:
        return Constant(rate=above_0)
    return Poisson(rate=above_0) if burstiness == 1 else Gamma(rate=above_0, burstiness=burstiness)


def _of_one_rate(rate: float, burstiness: float, count: int, duration_ns: int | None, seed: int) -> Offsets:
    if duration_ns is not None:
        count = max(1, count_within(rate, duration_ns))
    return steady(rate, count, burstiness, seed)


class Trace(LoadShape, frozen=True, kw_only=True, tag_field="type", tag="trace"):
    """The data set's own times."""

    name: ClassVar[str] = "trace"
    held_by_limit: ClassVar[bool] = False

    speed: Annotated[float, Meta(ge=0.001, le=1_000_000)] = 1.0
    """How many times as fast as the trace."""

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """The times stand in the samples."""
        return Schedule(
            limit=spec.concurrency,
            slots=None,
            offsets=None,
            total=count,
            duration_ns=spec.duration_ns,
            drain_ns=spec.drain_ns,
            drop_when_full=spec.drop_when_full,
            speed=self.speed,
        )

    def words(self) -> str:
        """Where the times come from."""
        return f"by the data set's times, at {self.speed:g} times their speed"

    def headline(self, limit: int | None) -> str:
        """Whose times they are."""
        speed = "" if self.speed == 1 else f", {self.speed:g} times as fast"
        return f"at the data set's times{speed} (open loop)"
