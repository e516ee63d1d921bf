"""Where a thread spends its time, in the kernel or outside: the kernel looks at it each 97 µs that it runs.

Its own account (utime, stime) is made at its tick, some ms apart and at the same phases again and again of a load that
repeats itself: it was seen to be wrong by a factor of three. An odd interval meets all phases. See perf_event_open(2).
"""

import ctypes
import mmap
import os
import platform
import struct
from typing import Self

import numpy as np

PERIOD_NS = 97_003
_NUMBERS = {"x86_64": 298, "aarch64": 241}
"""Of the system call, by machine."""
_SOFTWARE, _CPU_CLOCK = 1, 0
_SIZE = 128
"""Of its attributes, 0 beyond the few that are set."""
_CLOSE_ON_EXEC = 8
_PAGES = 16
"""Room for 8,192 looks, 0.8 s of running, between two counts."""
_HEAD, _TAIL = 1024, 1032
_RECORD = np.dtype([("type", "<u4"), ("misc", "<u2"), ("size", "<u2")])
_SAMPLE, _MODE, _USER = 9, 7, 2


class Sampler:
    """Counts the looks at one thread; `close` when done."""

    def __init__(self, descriptor: int, ring: mmap.mmap) -> None:
        self._descriptor = descriptor
        self._map = ring
        self._outside = self._all = 0

    @classmethod
    def of(cls, thread: int) -> Self | None:
        """None where the system does not permit it, or the thread has ended."""
        attributes = struct.pack("<IIQQ", _SOFTWARE, _SIZE, _CPU_CLOCK, PERIOD_NS).ljust(_SIZE, b"\0")
        number = _NUMBERS.get(platform.machine())
        if number is None:
            return None
        descriptor = ctypes.CDLL(None).syscall(number, attributes, thread, -1, -1, ctypes.c_ulong(_CLOSE_ON_EXEC))
        if descriptor < 0:
            return None
        try:
            return cls(descriptor, mmap.mmap(descriptor, (1 + _PAGES) * mmap.PAGESIZE))
        except OSError:  # the limit on locked memory
            os.close(descriptor)
            return None

    def count(self) -> tuple[int, int]:
        """(looks outside the kernel, all looks) so far. Each has a record of 8 bytes, whose head says where it was."""
        head, tail = (struct.unpack_from("<Q", self._map, at)[0] for at in (_HEAD, _TAIL))
        ring = np.frombuffer(self._map, np.uint8, offset=mmap.PAGESIZE)
        records = ring[np.arange(tail, head) % ring.size].view(_RECORD)
        looks = records["misc"][records["type"] == _SAMPLE] & _MODE
        self._all += looks.size
        self._outside += int(np.count_nonzero(looks == _USER))
        struct.pack_into("<Q", self._map, _TAIL, head)
        return self._outside, self._all

    def close(self) -> None:
        self._map.close()
        os.close(self._descriptor)
