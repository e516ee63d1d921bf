"""The end of an engine, also where Python is slow to take what finished."""

import faulthandler
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nursery import Mock
from tasks import carry_out

from fastbench._core.ring import Batch
from fastbench.aisbench import build_run
from fastbench.recording import RecordingWriter


@pytest.fixture
def no_hang() -> Iterator[None]:
    """Ends the process, with all stacks shown, when the test hangs: a reactor's thread outlives an exception."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.mark.usefixtures("no_hang")
def test_end_is_noticed_behind_a_slow_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run ends although its last requests were still being taken in when the reactor ended."""
    append = RecordingWriter.append

    def slow(self: RecordingWriter, batch: Batch) -> None:
        time.sleep(0.02)
        append(self, batch)

    monkeypatch.setattr(RecordingWriter, "append", slow)
    with Mock() as mock:
        model = {"type": "openai_chat", "url": mock.url, "batch_size": 64}
        data = {"type": "synthetic", "count": 64, "input_len": 4, "output_len": 2}
        run = build_run({"models": [model], "datasets": [data], "num_warmups": 0}, "test")
        for number in range(5):
            complete, _ = carry_out(run.tasks()[0], tmp_path / str(number))
            assert complete
