"""`fastbench perf`: options → a checked run → what is to be done with it."""

from fastbench.cli.perf.command import perf_command

__all__ = ["perf_command"]
