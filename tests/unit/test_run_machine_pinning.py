"""The thread that sends and reads, kept on one processor."""

import os
from pathlib import Path

import pytest
from engines import engine_of, in_loop
from msgspec.structs import replace
from replies import delta, stream
from serving import Service, answering
from tasks import carry_out, noting, task_of, url_of

from fastbench.client.engine import Engine
from fastbench.run.machine import pinned

REPLY = stream(delta("a", "stop"))


@pytest.mark.parametrize("number", [0, 1, 7])
def test_only_the_reactors_thread_is_pinned(number: int) -> None:
    """The engine's thread has the one processor of its number, and this thread all that it had."""
    mine = os.sched_getaffinity(0)

    async def test(service: Service) -> None:
        def make(*_: object) -> Engine:
            return engine_of(service.address)

        engine = pinned(make, number)(None, None)  # type: ignore[arg-type]  # `make` needs neither
        native_id = engine._thread.native_id
        assert native_id is not None
        assert os.sched_getaffinity(native_id) == {sorted(mine)[number % len(mine)]}
        assert os.sched_getaffinity(0) == mine
        engine.reactor.close_input()
        await engine.begin(0)
        await engine.ended()

    with Service(answering(REPLY)) as service:
        in_loop(lambda: test(service))


def test_a_pinned_task(tmp_path: Path) -> None:
    """A task that asks for it is carried out as any other."""
    with Service(noting([])) as service:
        complete, recording = carry_out(replace(task_of(url_of(service)), pin=True), tmp_path)
    assert complete
    assert len(recording.rows) == 12
