"""Outcomes of requests, counted while the run goes on."""

from collections.abc import Callable

import numpy as np

from fastbench._core.call import NOTE_FAILURE
from fastbench._core.ring import OUTCOMES, SOURCES, Batch

_OK = OUTCOMES.index("ok")
# By a look-up: this goes on while a run is measured, once for each few requests.
_UNTOLD = np.array([name not in ("token_ids", "usage") for name in SOURCES])


class OutcomeTally:
    """Takes batches; keeps whether any request succeeded and why the last one failed."""

    def __init__(self) -> None:
        self.requests = 0
        self.ok = 0
        self.untold = 0
        """Replies, of those that are ok, in which the service did not say how many tokens it sent."""
        self.outcome = ""
        """Of the last request that failed."""
        self.status = 0
        self.message = b""
        """The service's own words, or ours where it had none."""

    @property
    def told_tokens(self) -> bool:
        """Whether there were replies, and the service said of each how many tokens it sent."""
        return self.ok > 0 and self.untold == 0

    def on_the_way_to(self, sink: Callable[[Batch], None]) -> Callable[[Batch], None]:
        """A sink that looks at each batch and hands it on."""

        def look(batch: Batch) -> None:
            self.add(batch)
            sink(batch)

        return look

    def add(self, batch: Batch) -> None:
        """Looks at one batch."""
        self.requests += len(batch.rows)
        ok = batch.rows["outcome"] == _OK
        self.ok += int(np.count_nonzero(ok))
        self.untold += int(np.count_nonzero(ok & _UNTOLD[batch.rows["output_source"]]))
        for row, kind, message in batch.notes:
            if kind == NOTE_FAILURE:
                self.outcome = OUTCOMES[batch.rows["outcome"][row]]
                self.status = int(batch.rows["status"][row])
                self.message = message
