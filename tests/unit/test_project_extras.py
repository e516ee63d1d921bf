"""Without the optional packages: one sentence that says what to install, before anything is sent."""

import sys
from pathlib import Path

import pytest

from fastbench.config import Issues
from fastbench.config.services import build_service
from fastbench.errors import ConfigError
from fastbench.tokenizer import load_tokenizer


@pytest.fixture
def no_tokenizers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package tokenizers were not installed."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)


@pytest.mark.usefixtures("no_tokenizers")
def test_a_path_needs_the_tokenizers(tmp_path: Path) -> None:
    """A config that names a tokenizer is refused where the package is missing, with the command that installs it."""
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")
    issues = Issues("run.py")
    settings = {"type": "openai_chat", "url": "http://h:1", "path": str(file)}
    assert build_service(settings, "models[0]", issues) is None
    told = r"models\[0\]\.path needs the package tokenizers: pip install 'fastbench-llm\[tokenizer\]', or"
    with pytest.raises(ConfigError, match=told):
        issues.check()


@pytest.mark.usefixtures("no_tokenizers")
def test_counting_needs_the_tokenizers(tmp_path: Path) -> None:
    """Loading a tokenizer without the package is an error of the same kind, not a crash."""
    with pytest.raises(ConfigError, match=r"needs the package tokenizers: pip install 'fastbench-llm\[tokenizer\]'$"):
        load_tokenizer(str(tmp_path))
