"""A profile: rates or concurrencies, one after the other, each for its time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from msgspec.structs import replace

from fastbench.config import ProfileStage, profile_fault
from fastbench.plan.shapes.open import Burstiness
from fastbench.plan.shapes.rates import Step, stepped
from fastbench.plan.shapes.schedule import Schedule
from fastbench.plan.shapes.shape import Begun, LoadShape, LoadSpec, Stretch, closed_loop, open_loop
from fastbench.plan.shapes.slots import Level
from fastbench.plan.shapes.slots import stepped as stepped_slots

FEW = 5
"""So many steps are named one by one in a head."""


class Profile(LoadShape, frozen=True, kw_only=True, tag_field="type", tag="profile"):
    """Steps of rates, or of concurrencies."""

    name: ClassVar[str] = "profile"

    steps: tuple[ProfileStage, ...]
    burstiness: Burstiness = 0.0
    """Shape of the gamma distribution of the intervals of rates; 0 = none."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """Steps are of one kind, and send something."""
        fault = profile_fault(self.steps)
        if fault is not None:
            yield "steps", fault

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """The steps say how long it goes on, and of concurrencies the most in flight."""
        spec = replace(spec, duration_ns=sum(int(step.duration) for step in self.steps))
        if self.steps[0].concurrency is None:
            steps = [Step(float(step.rate or 0), int(step.duration)) for step in self.steps]
            return open_loop(spec, stepped(steps, self.burstiness, spec.seed))
        levels = [Level(step.concurrency or 0, int(step.duration)) for step in self.steps]
        most = max(1, *(level.concurrency for level in levels))
        return closed_loop(replace(spec, concurrency=most), stepped_slots(levels), 0)

    def stages(self, begun: Begun) -> Iterator[Stretch]:
        """Its steps, as far as requests began in them."""
        silent = 0
        for step in self.steps:
            if step.rate or step.concurrency:
                break
            silent += int(step.duration)
        begin, last = int(begun.moments_ns[0]) - silent, int(begun.moments_ns[-1])
        for step in self.steps:
            end = begin + int(step.duration)
            if begin <= last and (step.rate or step.concurrency):
                name = f"{step.rate:g}/s" if step.rate else f"{step.concurrency} at once"
                yield Stretch(name, begin, end, float(step.rate) if step.rate else None)
            begin = end

    def words(self) -> str:
        """How slots open, or when requests go out."""
        return self.name if self.steps[0].concurrency is None else f"opened by {self.name}"

    def headline(self, limit: int | None) -> str:
        """Its steps, where they are few."""
        is_open = self.steps[0].concurrency is None
        steps = [f"{(step.rate if is_open else step.concurrency) or 0:g}" for step in self.steps]
        shown = ", ".join(steps) if len(steps) <= FEW else f"{', '.join(steps[:2])} \N{HORIZONTAL ELLIPSIS} {steps[-1]}"
        return f"{shown} {'requests/s in turn (open loop)' if is_open else 'in flight in turn (closed loop)'}"
