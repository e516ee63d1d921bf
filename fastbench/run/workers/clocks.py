"""Clocks of several hosts: another one's monotonic clock against this one's wall clock, by exchanges of messages; and
what the kernel knows of this host's, from its time service (NTP, PTP)."""

import ctypes
import struct
import time
from collections import deque
from collections.abc import Callable

from fastbench.recording import Reading

EXCHANGES = 12
"""Before the load, of which the one with the shortest round trip counts."""
KEPT = 16
"""During the load: of so many latest exchanges the shortest counts."""
HOW = "round trips"
_ROOM = 256
"""More than a `struct timex` has."""
_MAXERROR, _STATUS = 24, 40
"""Where its `maxerror`, µs, and `status` lie where a long has 8 bytes."""
_UNSYNCHRONIZED = 0x40


class Exchanges:
    """Clock exchanges with one host. base_ns: this host's wall clock less its monotonic one, at one moment."""

    def __init__(self, base_ns: int) -> None:
        self._base_ns = base_ns
        self._kept: deque[Reading] = deque(maxlen=KEPT)

    def measure(self, mono_ns: Callable[[], int]) -> None:
        """Makes several exchanges. mono_ns: asks the other host for its clock."""
        for _ in range(EXCHANGES):
            asked_ns = time.monotonic_ns()
            self.add(asked_ns, mono_ns())

    def add(self, asked_ns: int, mono_ns: int) -> None:
        """Takes an exchange that has just come to its end: its answer was given between the question and now."""
        now_ns = time.monotonic_ns()
        middle_ns = (asked_ns + now_ns) // 2
        self._kept.append(Reading(mono_ns, self._base_ns + middle_ns - mono_ns, (now_ns - asked_ns) // 2 + 1, HOW))

    @property
    def best(self) -> Reading:
        """The exchange with the shortest round trip, of the latest ones."""
        return min(self._kept, key=lambda reading: reading.bound_ns or 0)

    def there(self, moment_ns: int) -> int:
        """A moment of this host's monotonic clock on the other's."""
        return self._base_ns + moment_ns - self.best.zero_ns


def kernel_clock() -> Reading:
    """This host's wall clock against true time. Its bound is the kernel's `maxerror`, None where the clock is not
    synchronised or the kernel does not report it. Source: adjtimex(2)."""
    mono_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    return Reading(mono_ns, wall_ns - mono_ns, _bound_ns(), "each host's own time service")


def _bound_ns() -> int | None:
    if struct.calcsize("l") != 8:
        return None
    timex = ctypes.create_string_buffer(_ROOM)
    # All zero: nothing is to be changed.
    if ctypes.CDLL(None).adjtimex(timex) < 0:
        return None
    (status,) = struct.unpack_from("i", timex, _STATUS)
    (microseconds,) = struct.unpack_from("l", timex, _MAXERROR)
    return None if status & _UNSYNCHRONIZED else microseconds * 1000
