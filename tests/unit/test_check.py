"""What is found in the data before anything is sent."""

from pathlib import Path

import pytest

from fastbench.config.build import build_run
from fastbench.errors import DatasetError
from fastbench.fleet.check import check_datasets


@pytest.mark.parametrize(
    ("kind", "taken"), [("openai_completions", True), ("openai_chat", False), ("tgi_generate", False)]
)
def test_token_ids_in_a_file(tmp_path: Path, kind: str, taken: bool) -> None:
    """The first row of token ids is told where the service takes texts alone, before anything is sent."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": [1, 2, 3]}\n{"prompt": [4]}\n')
    run = build_run(
        {
            "models": [{"type": kind, "url": "http://127.0.0.1:1", "model": "m"}],
            "datasets": [{"type": "jsonl", "path": str(path)}],
        },
        "run.py",
    )
    if taken:
        assert [one.survey.samples for one in check_datasets(run).surveyed.values()] == [3]
        return
    with pytest.raises(DatasetError, match=f"row 1 holds token ids, which {kind} of the model .* does not take; give"):
        check_datasets(run)
