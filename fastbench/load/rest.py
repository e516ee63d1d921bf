"""What is left of a plan that was interrupted."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.load.schedule import Schedule


class Rest(NamedTuple):
    """Requests without an outcome, to be sent by a further leg of the run.

    places: (n,), those in the plan, rising. since_ns: when the first of them was to begin, since the plan's start.
    leg: which leg this is, from 1. part: the first file of the recording that is free. resumes_ns: where on the
    recording's axis the leg begins. tokens_per_word: of the prompts that were sent before.
    """

    places: NDArray[np.int64]
    since_ns: int
    leg: int
    part: int
    resumes_ns: int
    tokens_per_word: float

    def schedule(self, whole: Schedule) -> Schedule:
        """The schedule of the rest: the times between its requests are the plan's, and it begins at once."""
        offsets = whole.offsets
        return whole._replace(
            offsets=None if offsets is None else offsets[self.places] - self.since_ns,
            since_ns=self.since_ns,
            total=len(self.places),
        )

    def at(self, indices: Iterable[int]) -> Iterator[int]:
        """The places in the whole plan of those in the rest."""
        return (int(self.places[index]) for index in indices)
