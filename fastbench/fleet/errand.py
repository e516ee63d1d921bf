"""One task that is to be carried out, and by whom where it is not by workers of this host."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fastbench.config.plan import Task
from fastbench.fleet.check import Surveyed
from fastbench.fleet.team import TeamEnd
from fastbench.load.progress import Observer
from fastbench.load.stop import Stop


class Errand(NamedTuple):
    """A task with all that is known of it before it begins. recording: its directory; log: None = standard error.
    tokens_per_word: as the service counts the prompts, where no tokenizer tells."""

    task: Task
    recording: Path
    log: Path | None
    surveyed: Surveyed
    tokens_per_word: float
    observer: Observer


Carrier = Callable[[Errand, Stop], TeamEnd]
"""Carries out an errand; the stop tells the user's wishes meanwhile. Raises FastbenchError where it cannot."""
