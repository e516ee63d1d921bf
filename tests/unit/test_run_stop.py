"""Ctrl-C: how often the user asked, and who is told."""

import asyncio
import os
import signal
import threading

import pytest
import uvloop

from fastbench.run.stop import Stop
from fastbench.run.worker.assignment import forwarded_in_loop


def test_listeners_hear_each_time() -> None:
    """Whoever listens is told how often the user has asked, at each time, and no longer than he listens."""
    stop, heard = Stop(), []
    with stop.notifying(heard.append):
        assert heard == []
        stop()
        stop()
        assert heard == [1, 2]
    stop()
    assert (heard, stop.asked) == ([1, 2], 3)


def test_a_late_listener_hears_at_once() -> None:
    """Who begins to listen after the user has asked is told so before anything else."""
    stop, heard = Stop(), []
    stop()
    stop()
    with stop.notifying(heard.append):
        assert heard == [2]


def test_several_listeners() -> None:
    """All who listen are told, also where one of them stops listening meanwhile."""
    stop = Stop()
    first, second = [], []
    with stop.notifying(first.append):
        with stop.notifying(second.append):
            stop()
        stop()
    assert (first, second) == ([1, 2], [1])


def test_a_listener_that_fails_is_forgotten() -> None:
    """An exception inside the block ends the listening."""
    stop, heard = Stop(), []
    with pytest.raises(KeyError), stop.notifying(heard.append):
        raise KeyError
    stop()
    assert heard == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_wishes_to_stop(number: int) -> None:
    """While somebody listens SIGINT and SIGTERM ask to stop and raise nothing; once the block is left they mean what
    they meant before."""
    stop, heard, before = Stop(), [], signal.getsignal(number)
    with stop.on_signals(), stop.notifying(heard.append):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert heard == [1, 2]
    assert signal.getsignal(number) == before


def test_a_signal_that_nobody_listens_to() -> None:
    """Before a load there is nothing to be ended in order: what the thread does is interrupted, and the wish counts."""
    stop = Stop()
    with stop.on_signals(), pytest.raises(KeyboardInterrupt, match=str(int(signal.SIGTERM))):
        signal.raise_signal(signal.SIGTERM)
    assert (stop.asked, stop.signal) == (1, signal.SIGTERM)


def test_work_that_ends_when_asked() -> None:
    """What is awaited is cancelled by a wish, also by one from before; without one it comes to its end."""

    async def waiting() -> str:
        await asyncio.sleep(60)
        return "too late"

    async def done() -> str:
        return "done"

    async def test(stop: Stop) -> list[str | None]:
        asyncio.get_running_loop().call_later(0.01, stop)
        return [await stop.unless_asked(done()), await stop.unless_asked(waiting()), await stop.unless_asked(done())]

    assert asyncio.run(asyncio.wait_for(test(Stop()), 20)) == ["done", None, None]


def test_wishes_reach_a_loop_from_any_thread() -> None:
    """A wish of another thread is heard in the event loop; one that comes at the very end is not lost."""

    async def test() -> list[int]:
        outside, inside, heard = Stop(), Stop(), []
        with forwarded_in_loop(outside, inside):
            thread = threading.Thread(target=outside)
            thread.start()
            while not inside.asked:
                await asyncio.sleep(0.001)
            heard.append(inside.asked)
            thread.join()
            outside()
        return [*heard, inside.asked]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(test()) == [1, 2]


def test_enough_is_known() -> None:
    """A part of a run may end by itself, which ends nothing else; who asked to stop before is not overruled, and who
    asks after it is heard."""
    whole, heard = Stop(), []
    with whole.within() as part, part.notifying(lambda asked: heard.append((asked, part.enough))):
        part.end_early("known")
        part.end_early("known twice")
        assert (heard, whole.asked) == ([(1, "known")], 0)
        whole.at_once()
        assert heard == [(1, "known"), (2, "")]
    with whole.within() as part:
        part.end_early("known")
        assert (part.asked, part.enough) == (2, "")


def test_why_it_is_enough_reaches_the_loop() -> None:
    """A `Stop` of an event loop learns from another thread's why the task may end."""
    outside, inside = Stop(), Stop()

    async def work() -> None:
        with forwarded_in_loop(outside, inside):
            outside.end_early("known")

    uvloop.run(work())
    assert (inside.asked, inside.enough) == (1, "known")
