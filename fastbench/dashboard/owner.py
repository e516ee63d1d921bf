"""Whether the process that a run belongs to is still there."""

import os
from pathlib import Path

import msgspec

_STATE, _STARTED = 0, 19
"""Places among the fields behind the name in /proc/PID/stat, see proc(5)."""
_GONE = "ZX"


class Owner(msgspec.Struct, frozen=True):
    """A process, told apart from all others that had its number, here or elsewhere."""

    pid: int
    started: int
    """Ticks since the machine started."""
    where: str
    """The start of the machine, and the process name space in it."""

    @property
    def alive(self) -> bool | None:
        """Whether it runs; None where this machine cannot know."""
        return _started(self.pid) == self.started if self.where == _here() else None


def this_process() -> Owner:
    """The one that asks."""
    return Owner(os.getpid(), _started(os.getpid()), _here())


def _here() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _started(pid: int) -> int:
    """-1 = there is no such process, or it has ended and nobody has asked how."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return -1
    # The name stands in brackets and may itself hold any of them.
    fields = stat.rpartition(")")[2].split()
    return -1 if fields[_STATE] in _GONE else int(fields[_STARTED])
