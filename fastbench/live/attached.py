"""The live view beside a run: a process of its own, so that nothing of it disturbs the load.

    python -m fastbench.live.attached RUN ENDED [--classic]

draws on standard error; says so with a byte on standard output as soon as it can, and goes when ENDED, the number of a
pipe's end, is closed at its other end.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fastbench.live.terminal import Modes, readable

READY_S = 5.0
"""How long the load waits for the view, whose start would disturb it."""
GONE_S = 2.0
"""How long the view may take to leave."""
NICE = 10
"""It gives way to the load wherever there is one core less than both could use."""
_CLASSIC = "--classic"


@contextlib.contextmanager
def attached_view(run: Path, *, classic: bool = False) -> Iterator[None]:
    """Draws on standard error, which is a terminal, while the block lasts; afterwards the terminal is as it was.

    classic: with AISBench's progress table, also for one task.
    """
    before = Modes.of(sys.stderr.fileno())
    ended, ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(run), str(ended), *([_CLASSIC] if classic else [])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=(ended,),
    )
    os.close(ended)
    assert process.stdout is not None
    try:
        readable([process.stdout.fileno()], READY_S)
        yield
    finally:
        os.close(ours)
        process.stdout.close()
        try:
            process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode:
            before.restore()


def main() -> None:
    """The whole life of the process that draws."""
    # Imported late: the load's own process, which has this module too, need not have it.
    from fastbench.live.view import View

    run, ended, *rest = sys.argv[1:]
    os.nice(NICE)
    view = View(Path(run), sys.stderr.fileno(), ended_fd=int(ended), classic=_CLASSIC in rest)
    os.write(sys.stdout.fileno(), b".")
    view.show()


if __name__ == "__main__":
    main()
