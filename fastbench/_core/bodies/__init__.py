"""The bytes of made requests, many at once: random numbers, the pieces of prompts that they choose, the requests."""

from fastbench._core.bodies.draws import Draws
from fastbench._core.bodies.writer import BodyWriter, Pieces

__all__ = ["BodyWriter", "Draws", "Pieces"]
