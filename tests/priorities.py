"""What this process may ask of the system's scheduler. On Linux a priority is a thread's own."""

import os
import threading
from collections.abc import Callable

NICE = os.getpriority(os.PRIO_PROCESS, 0)


def in_thread(work: Callable[[], None]) -> None:
    """In a thread of its own, whose priorities those that it starts inherit."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised below, in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def may_be_real_time() -> bool:
    """Whether a client that was started like this process is real-time."""
    allowed: list[bool] = []

    def attempt() -> None:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -10)
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            return
        allowed.append(True)

    in_thread(attempt)
    return bool(allowed) and NICE == 0
