"""Who carries out a task: this process, others of this host, or other hosts."""

from collections.abc import Callable

from fastbench.datasets import Dataset
from fastbench.live import Observer
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment
from fastbench.run.workers.ends import WorkersEnd

Launcher = Callable[[Assignment, Observer, Stop, Dataset], WorkersEnd]
"""Carries out a task: the assignment of its whole plan, who gets its progress, the user's wish to stop, its opened data
set. Raises FastbenchError where it cannot."""
