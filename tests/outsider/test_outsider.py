"""R4: the client's token times against those of an observer that is neither client nor service."""

from pathlib import Path

import numpy as np
import pytest
from measure import measure
from observer import may_observe

pytestmark = pytest.mark.alone

SLACK_NS = 100_000


@pytest.mark.skipif(not may_observe(), reason="only root may open packet sockets")
@pytest.mark.parametrize("condition", ["blocked loop", pytest.param("cpu hog", marks=pytest.mark.slow)])
def test_stamps_agree_with_an_outsider(tmp_path: Path, condition: str) -> None:
    """Whatever disturbs the client, half of its stamps are within 50 us of the kernel's packet stamps, and those that
    are off by more than a bit are marked as uncertain by as much."""
    errors = measure(condition, tmp_path, streams=40, tokens=40)
    assert errors.packet.size == 40 * 40
    off = np.abs(errors.packet)
    assert np.median(off) < 50_000
    beyond = off > errors.bounds + SLACK_NS
    assert beyond.mean() < 0.01, f"{beyond.sum()} stamps are off by up to {off[beyond].max()} ns without a mark"
