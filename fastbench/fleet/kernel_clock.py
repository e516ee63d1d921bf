"""What the kernel knows of the error of this host's wall clock, as its time service (NTP, PTP) told it."""

import ctypes
import struct
import time

from fastbench.recording.clocks import Reading

_ROOM = 256
"""More than a `struct timex` has."""
_MAXERROR, _STATUS = 24, 40
"""Where its `maxerror`, µs, and `status` lie where a long has 8 bytes."""
_UNSYNCHRONIZED = 0x40


def kernel_clock() -> Reading:
    """This host's wall clock against true time. Its bound is the kernel's `maxerror`, None where nobody keeps the clock
    or the kernel does not tell. Source: adjtimex(2)."""
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
