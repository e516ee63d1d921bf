"""A service that thinks before it answers, measured: its moments against the events that it is known to send."""

from pathlib import Path

import numpy as np
import pytest

import fastbench as fb

THOUGHTS, TOKENS = 3, 8


def test_a_service_that_thinks(tmp_path: Path) -> None:
    """Of a service whose first three tokens are reasoning the fourth event is the first answer token, in the rows, the
    columns and the SLO."""
    result = fb.run(
        mock={"ttft_ms": 5, "itl_ms": 4, "reasoning": THOUGHTS},
        **{"input_len": 8, "output_len": TOKENS, "num_prompts": 6, "concurrency": 3, "work_dir": tmp_path / "out"},
        slo=("ttfa.p90<1us", "ttfa.p90<60s"),
    )
    arrived = np.array([result.token_ms(request) for request in result.requests["request"].tolist()])
    assert arrived.shape == (6, TOKENS)
    expected = {
        "First Answer Token": ("ttfa_ms", arrived[:, THOUGHTS]),
        "Thinking Time": ("thinking_ms", arrived[:, THOUGHTS] - arrived[:, 0]),
        "Second Token": ("second_token_ms", arrived[:, 1] - arrived[:, 0]),
    }
    for name, (column, values) in expected.items():
        # Token times are kept to the microsecond.
        assert result.requests[column] == pytest.approx(values, abs=0.0011)
        assert (result[name].n, result[name]["Max"]) == (6, pytest.approx(values.max(), abs=0.0011))
    assert [slo.share for slo in result.slos] == [0, 1]
