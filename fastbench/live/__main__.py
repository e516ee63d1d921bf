"""The live view of `fastbench perf`, in a process of its own so that nothing of it disturbs the load.

    python -m fastbench.live RUN ENDED

draws on standard error; says so with a byte on standard output as soon as it can, and goes when ENDED, the number of a
pipe's end, is closed at its other end.
"""

import os
import sys
from pathlib import Path

from fastbench.live.view import View

NICE = 10
"""It gives way to the load wherever there is one core less than both could use."""


def main() -> None:
    """The whole life of the process."""
    run, ended = Path(sys.argv[1]), int(sys.argv[2])
    os.nice(NICE)
    view = View(run, sys.stderr.fileno(), ended_fd=ended)
    os.write(sys.stdout.fileno(), b".")
    view.show()


if __name__ == "__main__":
    main()
