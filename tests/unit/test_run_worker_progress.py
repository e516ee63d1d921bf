"""What a run tells of itself while it goes on."""

import os
import time

from driving import S, post
from engines import engine_of, in_loop
from replies import delta, stream
from serving import Service, answering

from fastbench.live.progress import NOTHING
from fastbench.run.worker.progress import progress_of


def test_progress_is_the_engines_state() -> None:
    """Before the start nothing has happened; afterwards all counts and the time since the start are told."""
    reply = stream(delta("a"), delta("b", "stop"))

    async def test(service: Service) -> None:
        engine = engine_of(service.address)
        engine.reactor.submit(post(0), request=0)
        first = progress_of(engine, "warm-up", 3, None, 0)
        counts = (0, 0, 0, 0, 0, 0, 0)
        unknown = (None, None, "", "", 0, 0, None, 0)
        assert first == ("warm-up", 3, None, *counts, {}, NOTHING, False, os.getpid(), 0, False, *unknown)
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
