"""What a run tells of itself while it goes on."""

import os
import time
from typing import Any

from driving import S, post
from engines import engine_of, in_loop
from replies import delta, stream
from serving import Service, answering

from fastbench.load.progress import Progress, progress_of, together
from fastbench.load.recent import NOTHING, Recent


def test_progress_is_the_engines_state() -> None:
    """Before the start nothing has happened; afterwards all counts and the time since the start are told."""
    reply = stream(delta("a"), delta("b", "stop"))

    async def test(service: Service) -> None:
        engine = engine_of(service.address)
        engine.reactor.submit(post(0), request=0)
        first = progress_of(engine, "warm-up", 3, None, 0)
        assert first == ("warm-up", 3, None, 0, 0, 0, 0, 0, 0, 0, {}, NOTHING, False, os.getpid(), 0, False)
        await engine.begin(1)
        assert progress_of(engine, "warm-up", 3, None, 0).elapsed_ns >= 0, "the start lies a little ahead"
        engine.reactor.close_input()
        await engine.ended()
        time.sleep(0.01)
        last = progress_of(engine, "measure", 1, None, 2)
        assert (last.phase, last.planned, last.sent, last.in_flight) == ("measure", 1, 1, 0)
        assert (last.ok, last.failed, last.output_events, last.stopping) == (1, 0, 2, 2)
        assert 0 < last.elapsed_ns < 60 * S

    with Service(answering(reply)) as service:
        in_loop(lambda: test(service))


def test_every_failure_counts_as_failed() -> None:
    """Whatever was sent and is not ok is failed; what was never sent is in no count."""

    async def test(service: Service) -> None:
        engine = engine_of(service.address, limit=1)
        for request in range(2):
            engine.reactor.submit(post(request), request=request)
        await engine.begin(1)
        while progress_of(engine, "measure", 3, None, 0).failed < 2:
            await engine.progressed.wait()
            engine.progressed.clear()
        engine.reactor.submit(b"", request=2, skip=True)
        engine.reactor.close_input()
        await engine.ended()
        assert engine.snapshot()["outcomes"]["cancelled"] == 1
        last = progress_of(engine, "measure", 3, None, 1)
        assert (last.failed, last.failures) == (2, {"malformed": 2})

    with Service(answering(b"nonsense\r\n\r\n")) as service:
        in_loop(lambda: test(service))


def progress(phase: str, **more: Any) -> Progress:
    """Of one worker."""
    told: dict[str, Any] = {
        "planned": 10,
        "duration_ns": None,
        "sent": 5,
        "in_flight": 2,
        "ok": 2,
        "failed": 1,
        "output_events": 40,
        "elapsed_ns": S,
        "stopping": 0,
        "failures": {"timeout": 1},
        "recent": Recent([[100, 3]], [], [[7, 1]], 1),
    }
    return Progress(phase, **(told | more))


def test_workers_together() -> None:
    """Counts, failures and what happened lately add up; the task has ended when each worker has."""
    both = together(
        [
            progress("measure", elapsed_ns=2 * S, ended=True, pid=7),
            progress("measure", failures={"timeout": 1, "reset": 2}, failed=3, stopping=1, pid=8),
        ]
    )
    assert (both.planned, both.sent, both.in_flight, both.ok, both.failed) == (20, 10, 4, 4, 4)
    assert both.failures == {"timeout": 2, "reset": 2}
    assert (both.elapsed_ns, both.stopping, both.ended, both.pid) == (2 * S, 1, False, 7)
    assert both.recent == Recent([[100, 6]], [], [[7, 2]], 2)


def test_workers_apart() -> None:
    """While one worker still warms up, that is what the task does; what has no plan has none together."""
    assert together([progress("measure", sent=9), progress("warm-up", sent=1)]).sent == 1
    assert together([progress("measure", planned=None), progress("measure")]).planned is None
