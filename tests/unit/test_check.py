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


@pytest.mark.parametrize(("length", "told"), [(5, 1), (7, 0), (None, 0)])
def test_lengths_without_effect(tmp_path: Path, length: int | None, told: int) -> None:
    """A length given to all requests is told where the data set asks for another one."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "max_tokens": 7}\n')
    parameters = {} if length is None else {"max_completion_tokens": length}
    run = build_run(
        {
            "models": [{"type": "openai_chat", "url": "http://127.0.0.1:1", "generation_kwargs": parameters}],
            "datasets": [{"type": "jsonl", "path": str(path)}],
        },
        "run.py",
    )
    remarks = check_datasets(run).remarks
    assert ["rows: the output lengths of the data set have no effect" in one for one in remarks] == [True] * told
