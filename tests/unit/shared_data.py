"""Public data sets, where the machine has them; the tests that need one are skipped elsewhere."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2].parent / "shared" / "data"
GSM8K = FOLDER / "gsm8k_test.jsonl"
MT_BENCH = FOLDER / "mt_bench_question.jsonl"
MOONCAKE = FOLDER / "mooncake_conversation_trace.jsonl"
TOKENIZER = FOLDER / "tokenizer-65k.json"


def needs(path: Path) -> pytest.MarkDecorator:
    """Skips a test where `path` is missing."""
    return pytest.mark.skipif(not path.is_file(), reason=f"no {path}")
