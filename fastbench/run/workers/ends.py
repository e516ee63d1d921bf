"""How the workers of a task ended; of those that died on the way, what there is of what they recorded."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastbench.datasets import Dataset
from fastbench.errors import RecordingError
from fastbench.live import Observer
from fastbench.recording import NOT_FINAL, Part, part_paths
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment


class Death(NamedTuple):
    """One worker. host: where it was, "" = this host. recorded: measured requests of it that the recording has."""

    number: int
    host: str = ""
    recorded: int = 0

    @property
    def sentence(self) -> str:
        """What it costs."""
        name = f"worker {self.number}{f' on the node {self.host}' if self.host else ''}"
        if not self.recorded:
            return f"{name} died; nothing that it recorded is here, so its whole share is lost"
        count = (
            "1 request it had recorded counts"
            if self.recorded == 1
            else f"{self.recorded} requests it had recorded count"
        )
        return f"{name} died; the {count}, the rest of its share is lost"


class WorkersEnd(NamedTuple):
    """How the workers of a task ended. complete: they came to the plan's end. died: those that ended without a word.
    idle: nothing was left to be sent."""

    complete: bool
    died: tuple[Death, ...] = ()
    idle: bool = False


def with_recorded(deaths: Iterable[Death], recording: Path) -> tuple[Death, ...]:
    """The same, with what the parts in the directory `recording` have of each."""
    found: dict[int, tuple[int, int]] = {}
    for path in part_paths(recording):
        try:
            part = Part(path)
        except RecordingError:
            continue  # the report tells of a part that cannot be read
        number, leg = int((part.header.get("share") or {}).get("number", -1)), int(part.header.get("leg", 0))
        rows = int(np.count_nonzero(part.table.rows["flags"] & NOT_FINAL == 0))
        # Of a run that was continued, the last leg is the one in which it died.
        found[number] = max(found.get(number, (-1, 0)), (leg, rows))
    return tuple(death._replace(recorded=found.get(death.number, (0, 0))[1]) for death in deaths)


Launcher = Callable[[Assignment, Observer, Stop, Dataset], WorkersEnd]
"""Carries out a task: the assignment of its whole plan, who gets its progress, the user's wish to stop, its opened data
set. Raises FastbenchError where it cannot."""
