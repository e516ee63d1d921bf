"""What stands in the place of a config: a config, a URL, prompts, or a run."""

from pathlib import Path

import pytest

from fastbench.cli.perf_given import understood
from fastbench.errors import UsageError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.py").touch()
    (tmp_path / "out" / "20261128_120000").mkdir(parents=True)


@pytest.mark.parametrize("option", ["config_file", "config"])
@pytest.mark.parametrize(
    "text",
    [
        "http://host:8000",
        "https://host",
        " http://host:8000 ",
        "host:8000",
        "localhost:8000/v1",
        "127.0.0.1:80",
        "ftp://h",
    ],
)
def test_a_url_is_the_services(option: str, text: str) -> None:
    """A URL, also one without its scheme, in the place of a config is --url."""
    assert understood({option: text, "retry": 1}) == {"url": text, "retry": 1}


def test_two_urls() -> None:
    """Two URLs are two services; neither's password is shown."""
    with pytest.raises(UsageError, match=r"and --url name two services; give one of them") as caught:
        understood({"config_file": "http://me:hunter2@host", "url": "http://other"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["run.py", "missing.py", "configs/missing", "C"])
def test_a_config_is_one(text: str) -> None:
    """What is or looks like a config is left to be read as one, or to be missed."""
    assert understood({"config_file": text}) == {"config_file": text}


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("prompts.jsonl", "--dataset"),
        ("prompts.json", "--custom-dataset-path"),
        ("a/rows.csv", "--custom-dataset-path"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_prompts_have_an_option(text: str, option: str, there: bool) -> None:
    """A file of prompts, whether it is there or not, is told to be one, with the option that takes it."""
    if there:
        Path(text).parent.mkdir(exist_ok=True)
        Path(text).touch()
    with pytest.raises(UsageError) as caught:
        understood({"config_file": text})
    assert f"give it as {option} {text}" in str(caught.value)


@pytest.mark.parametrize("text", ["out/20261128_120000", "out/20261128_120000/"])
def test_a_run_has_an_option(text: str) -> None:
    """A directory is told to be none of a config's, with the option that continues the run in it."""
    with pytest.raises(UsageError, match="--reuse 20261128_120000 --work-dir out"):
        understood({"config_file": text})


@pytest.mark.parametrize(("option", "alone"), [("reuse", "latest"), ("service_metrics", "1s"), ("ray", "auto")])
def test_an_option_does_not_swallow_the_config(option: str, alone: str) -> None:
    """A config behind an option whose value may be left out is the config, and the option has its default."""
    assert understood({option: "run.py"}) == {option: alone, "config_file": "run.py"}
    kept = {option: "5s", "config_file": "run.py"}
    assert understood(kept) == kept
