"""How the reactor's thread asks the system to run it."""

import ctypes
import os
import resource
from pathlib import Path

import pytest
from driving import OK, Driver
from preloading import run_preloaded
from priorities import NICE, in_thread, may_be_real_time
from serving import Service, answering

from fastbench.client import feeding

CAP_SYS_NICE = 23
BUSY = {"closed_loop": False, "limit": 1, "drop_when_full": True, "precise": True}
"""With requests 50 us apart, all of the time is spent on the watch for the next one, which is dropped."""


def without_the_capability() -> None:
    """Takes from the calling thread, and those that it starts, what lets it have any priority."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, sets) == 0
    sets[0] &= ~(1 << CAP_SYS_NICE)
    assert libc.capset(header, sets) == 0


def spent_ns(driver: Driver, name: str) -> int:
    return int(driver.reactor.snapshot()[f"{name}_ns"])


def look_at_ordinary(nice: int) -> None:
    """Never real-time, of that niceness."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.pump(lambda: spent_ns(driver, "ordinary") > 200_000_000)
        assert os.sched_getscheduler(driver.thread_id) == os.SCHED_OTHER
        # The kernel has no greater niceness than 19.
        assert os.getpriority(os.PRIO_PROCESS, driver.thread_id) == min(nice, 19)
        assert spent_ns(driver, "real_time") == 0
        driver.finish()


@pytest.mark.alone
@pytest.mark.skipif(not may_be_real_time(), reason="needs the permission for real-time scheduling")
def test_real_time_only_while_it_sleeps() -> None:
    """The thread is real-time while it waits, an ordinary one while it is busy, and real-time after that."""
    with Service(answering(OK)) as service, Driver(service.address, **BUSY) as driver:
        driver.pump(lambda: spent_ns(driver, "real_time") > 200_000_000)
        assert os.sched_getscheduler(driver.thread_id) == os.SCHED_RR
        assert os.sched_getparam(driver.thread_id).sched_priority == 1
        assert spent_ns(driver, "ordinary") < 200_000_000
        driver.submit(16_000, every_ns=50_000)
        driver.start()
        driver.pump(lambda: spent_ns(driver, "ordinary") > 200_000_000)
        assert os.sched_getscheduler(driver.thread_id) == os.SCHED_OTHER
        assert os.getpriority(os.PRIO_PROCESS, driver.thread_id) == -10
        assert Path(f"/proc/{driver.thread_id}/timerslack_ns").read_text() == "1\n"
        driver.pump(lambda: driver.rows() == 16_000)
        seen = spent_ns(driver, "real_time")
        driver.pump(lambda: spent_ns(driver, "real_time") > seen + 200_000_000)
        assert os.sched_getscheduler(driver.thread_id) == os.SCHED_RR
        driver.finish()


@pytest.mark.skipif(
    any(resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_RTPRIO, resource.RLIMIT_NICE)),
    reason="needs the usual limits",
)
def test_without_permission_the_thread_is_ordinary() -> None:
    """What the system refuses is no error: the thread keeps its niceness."""

    def work() -> None:
        without_the_capability()
        look_at_ordinary(NICE)

    in_thread(work)


def test_a_chosen_priority_stays() -> None:
    """A client that was started with `nice` is neither real-time nor less nice."""

    def work() -> None:
        chosen = min(NICE + 3, 19)  # the most that there is
        os.setpriority(os.PRIO_PROCESS, 0, chosen)
        look_at_ordinary(chosen)

    in_thread(work)


@pytest.mark.skipif(not may_be_real_time(), reason="needs the permission for real-time scheduling")
def test_who_feeds_is_as_nice_as_a_busy_reactor() -> None:
    """A thread that feeds has niceness -10 meanwhile, and a reactor that it starts is real-time all the same."""

    def work() -> None:
        with feeding():
            assert os.getpriority(os.PRIO_PROCESS, 0) == -10
            with Service(answering(OK)) as service, Driver(service.address) as driver:
                driver.pump(lambda: spent_ns(driver, "real_time") > 0)
                assert os.sched_getscheduler(driver.thread_id) == os.SCHED_RR
                driver.finish()
        assert os.getpriority(os.PRIO_PROCESS, 0) == 0

    in_thread(work)


@pytest.mark.parametrize("chosen", [min(NICE + 3, 19), 19])
def test_who_feeds_keeps_a_chosen_priority(chosen: int) -> None:
    """A thread that somebody made nice stays so while it feeds, and afterwards."""
    seen = []

    def work() -> None:
        os.setpriority(os.PRIO_PROCESS, 0, chosen)
        with feeding():
            seen.append(os.getpriority(os.PRIO_PROCESS, 0))
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))

    in_thread(work)
    assert seen == [chosen, chosen]


@pytest.mark.skipif(not may_be_real_time(), reason="needs the permission for real-time scheduling")
def test_a_c_library_without_scheduler_calls_loses_nothing(tmp_path: Path) -> None:
    """Where the C library's own call answers ENOSYS, as musl's does, the thread is real-time all the same."""
    source = "#include <errno.h>\nint sched_getscheduler(int pid) { errno = ENOSYS; return -1; }\n"
    assert run_preloaded(source, _REAL_TIME, tmp_path) == "-1 real-time\n"


_REAL_TIME = """
import ctypes
from driving import OK, Driver
from serving import Service, answering
with Service(answering(OK)) as service, Driver(service.address) as driver:
    driver.pump(lambda: driver.reactor.snapshot()["real_time_ns"] > 0)
    print(ctypes.CDLL(None).sched_getscheduler(0), "real-time")
    driver.finish()
"""
