"""The live view beside a run: started before its first request, and gone when it has ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fastbench.live.modes import Modes, readable

READY_S = 5.0
"""How long the load waits for the view, whose start would disturb it."""
GONE_S = 2.0
"""How long the view may take to leave."""


@contextlib.contextmanager
def attached_view(run: Path) -> Iterator[None]:
    """Draws on standard error, which is a terminal, while the block lasts; afterwards the terminal is as it was."""
    before = Modes.of(sys.stderr.fileno())
    ended, ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "fastbench.live", str(run), str(ended)],
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
