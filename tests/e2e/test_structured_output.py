"""Structured output of a run against the simulated service, whose replies are plain words."""

import json
from pathlib import Path

import pytest

import fastbench as fb


@pytest.mark.usefixtures("forked_processes")
def test_replies_are_checked_after_a_run(tmp_path: Path) -> None:
    """Replies are checked by what the run asks for, and by what each row asks for over and beside it, also by several
    workers; the texts that were kept for it are gone."""
    rows = [{}, {"regex": r"\d+"}, {"response_format": {"type": "json_object"}}]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": "a", **rows[k % 3]}) + "\n" for k in range(12)))
    result = fb.run(
        mock={"ttft_ms": 5},
        **{"dataset": path, "output_len": 4, "concurrency": 4, "workers": 2, "work_dir": tmp_path / "out"},
        param={"regex": "[a-z ]+"},
    )
    numbers, faults = result.requests["request"], result.requests["structured_fault"]
    expected = [None, "does not match the regex", "not JSON"]
    assert dict(zip(numbers.tolist(), faults.tolist(), strict=True)) == {k: expected[k % 3] for k in range(12)}
    assert result.metrics.structured is not None
    assert (result.metrics.structured.checked, result.metrics.structured.valid) == (12, 4)
    assert not list(result.path.glob("texts*"))


def test_what_whole_bodies_ask_for_is_checked(tmp_path: Path) -> None:
    """Each body's own schema; a setting of the run goes over it, as it does in what is sent."""
    asked = [{}, {"guided_regex": r"\d+"}, {"response_format": {"type": "json_object"}}, {"regex": r"\d+"}]
    path = tmp_path / "rows.jsonl"
    body = {"messages": [{"role": "user", "content": "a"}], "max_tokens": 4}
    path.write_text("".join(json.dumps({**body, **one}) + "\n" for one in asked))
    result = fb.run(mock={"ttft_ms": 5}, rows=path, work_dir=tmp_path / "out", param={"regex": "[a-z ]+"})
    numbers, faults = result.requests["request"], result.requests["structured_fault"]
    found = dict(zip(numbers.tolist(), faults.tolist(), strict=True))
    assert found == {0: None, 1: "does not match the regex", 2: "not JSON", 3: None}
