"""Work in a thread of its own: what it returns and raises, and Ctrl-C meanwhile."""

from __future__ import annotations

import signal
import threading

import pytest

from fastbench.run.threads import in_thread


def test_what_the_work_comes_to_is_handed_back() -> None:
    """A result is returned and an error raised, in the thread that asked."""
    assert in_thread(threading.current_thread, "work") is not threading.current_thread()
    with pytest.raises(LookupError, match="mine"):
        in_thread(lambda: {}["mine"], "work")


@pytest.mark.parametrize("fails", [False, True])
def test_ctrl_c_waits_for_the_work(fails: bool) -> None:
    """Each Ctrl-C is told of, the work comes to its end, and only then KeyboardInterrupt is raised, whatever the work
    raised."""
    asked = threading.Event()
    told: list[int] = []
    ended: list[bool] = []

    def work() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert asked.wait(10)
        ended.append(True)
        if fails:
            raise LookupError

    def interrupted() -> None:
        told.append(1)
        asked.set()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            in_thread(work, "work", interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (told, ended) == ([1], [True])
    assert isinstance(caught.value.__cause__, LookupError) == fails
    assert threading.active_count() == 1 or all("fastbench" not in thread.name for thread in threading.enumerate())
