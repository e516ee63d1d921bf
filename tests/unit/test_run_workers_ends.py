"""What is told of workers that died."""

from pathlib import Path

import pytest
from recordings import Request, header_of, record

from fastbench.run.workers.ends import Death, with_recorded


@pytest.mark.parametrize(
    ("death", "sentence"),
    [
        (Death(1, "", 37), "worker 1 died; the 37 requests it had recorded count, the rest of its share is lost"),
        (Death(0, "", 1), "worker 0 died; the 1 request it had recorded counts, the rest of its share is lost"),
        (
            Death(2, "node-b"),
            "worker 2 on the node node-b died and left no recording: its whole share is lost",
        ),
    ],
)
def test_the_sentence(death: Death, sentence: str) -> None:
    """The node is named, and what counts is what there is."""
    assert death.sentence == sentence


def test_what_the_recording_has(tmp_path: Path) -> None:
    """Measured requests of the worker's own part count; of a worker whose part is not there, none."""
    warmup = Request(0, flags=("stream", "warmup"))
    record(tmp_path, [warmup, Request(0)], header=header_of(share={"number": 0, "of": 3}))
    record(tmp_path, [Request(1), Request(4)], header=header_of(share={"number": 1, "of": 3}), part=1)
    found = with_recorded([Death(0), Death(1), Death(2, "far")], tmp_path)
    assert found == (Death(0, "", 1), Death(1, "", 2), Death(2, "far", 0))


def test_a_continued_run(tmp_path: Path) -> None:
    """Where a run was continued, what counts is of the leg in which the worker died."""
    record(tmp_path, [Request(0), Request(2)], header=header_of(share={"number": 0, "of": 1}))
    record(tmp_path, [Request(1)], header=header_of(share={"number": 0, "of": 1}, leg=1), part=1)
    assert with_recorded([Death(0)], tmp_path) == (Death(0, "", 1),)


def test_nothing_was_recorded(tmp_path: Path) -> None:
    """Without a recording nothing counts, and that is no error."""
    assert with_recorded([Death(0)], tmp_path / "none") == (Death(0),)
