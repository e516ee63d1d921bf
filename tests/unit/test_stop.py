"""Ctrl-C: how often the user asked, and who is told."""

import asyncio
import os
import signal

import pytest
import uvloop

from fastbench.load.stop import Stop


def test_listeners_hear_each_time() -> None:
    """Whoever listens is told how often the user has asked, at each time, and no longer than he listens."""
    stop, heard = Stop(), []
    with stop.heard_by(heard.append):
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
    with stop.heard_by(heard.append):
        assert heard == [2]


def test_several_listeners() -> None:
    """All who listen are told, also where one of them stops listening meanwhile."""
    stop = Stop()
    first, second = [], []
    with stop.heard_by(first.append):
        with stop.heard_by(second.append):
            stop()
        stop()
    assert (first, second) == ([1, 2], [1])


def test_a_listener_that_fails_is_forgotten() -> None:
    """An exception inside the block ends the listening."""
    stop, heard = Stop(), []
    with pytest.raises(KeyError), stop.heard_by(heard.append):
        raise KeyError
    stop()
    assert heard == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_wishes_to_stop(number: int) -> None:
    """SIGINT and SIGTERM ask to stop and raise nothing; once the block is left they mean the usual again."""

    async def test() -> int:
        stop = Stop()
        with stop.on_signals():
            for times in (1, 2):
                os.kill(os.getpid(), number)
                while stop.asked < times:
                    await asyncio.sleep(0.001)
        return stop.asked

    assert asyncio.run(asyncio.wait_for(test(), 20)) == 2
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    assert signal.getsignal(number) == usual[number]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_very_end_is_not_lost(number: int) -> None:
    """A wish that comes when the block is about to be left counts, though the loop has no turn any more."""

    async def test() -> int:
        stop = Stop()
        with stop.on_signals():
            os.kill(os.getpid(), number)
        return stop.asked

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(test()) == 1
