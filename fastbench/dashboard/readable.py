"""Which descriptors can be read, whatever their numbers: select knows none from 1,024 on."""

import math
import select
from collections.abc import Iterable


def readable(descriptors: Iterable[int], seconds: float) -> set[int]:
    """Those that have something to read, or have ended, as soon as there is one; none when the time is over."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(math.ceil(max(0.0, seconds) * 1_000))}
