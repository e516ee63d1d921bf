"""What a command line of `fastbench perf` gives."""

from __future__ import annotations

from fastbench.cli.perf import perf_command
from fastbench.cli.perf.parsing import given_options
from fastbench.options import Options


def options_of(*words: str) -> Options:
    """The options that these words, and the environment, give."""
    return given_options(perf_command.make_context("perf", list(words)))
