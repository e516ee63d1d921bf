"""Ctrl-C while no load is under way; before that `__main__` hears it. What a run makes of it says `load/stop.py`."""

import os
import signal

from fastbench.errors import FastbenchError

CODE = 130


class InterruptError(FastbenchError):
    """The user pressed Ctrl-C."""

    exit_code = CODE


def leave_in_order() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, as there is something to be left in order."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_with(code: int) -> None:
    """From now on, as all is done and said, Ctrl-C only ends the process sooner."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(code))
