"""Load shapes: how requests begin. A shape is one object; nothing else depends on its name.

    shape = SHAPES.get("poisson")(...)     # of fastbench.registry; its fields are its parameters
    LoadSpec(shape, ...).schedule(1000)    # a `Schedule`: when each request goes out, or which slots open and close

shape ── `LoadShape`, what each can do: times or slots, share k of n, rate law, line in words; open, closed, profile,
levels ── the shapes; slots, rates ── their arithmetic; recorded ── a shape in a recording's header, read and written
"""

from fastbench.plan.shapes.levels import Levels
from fastbench.plan.shapes.open import Poisson
from fastbench.plan.shapes.rates import Rates
from fastbench.plan.shapes.recorded import Unknown, read_shape, write_shape
from fastbench.plan.shapes.schedule import NO_LIMIT, Schedule
from fastbench.plan.shapes.shape import (
    Begun,
    LoadShape,
    LoadSpec,
    Stretch,
    closed_loop,
    law_of,
    open_loop,
    shape_rates,
    stages_of,
)
from fastbench.plan.shapes.slots import Slots, at_once

__all__ = [
    "NO_LIMIT",
    "Begun",
    "Levels",
    "LoadShape",
    "LoadSpec",
    "Poisson",
    "Rates",
    "Schedule",
    "Slots",
    "Stretch",
    "Unknown",
    "at_once",
    "closed_loop",
    "law_of",
    "open_loop",
    "read_shape",
    "shape_rates",
    "stages_of",
    "write_shape",
]
