"""`fastbench config`: what it prints of a config, and the schema."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastbench.aisbench import load_config
from fastbench.cli.config import config_command
from fastbench.config import public_run
from fastbench.errors import UsageError

AISBENCH = """
from ais_bench.benchmark.models import VLLMCustomAPIChatStream
from ais_bench.benchmark.configs.datasets.synthetic.synthetic_gen_string import synthetic_datasets as datasets

models = [dict(type=VLLMCustomAPIChatStream, api_key="hunter2secret", url="http://host:8000")]
"""


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(config_command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize(("form", "suffix"), [("yaml", "yaml"), ("json", "json"), ("python", "py")])
def test_a_config_of_aisbench_is_written_natively(tmp_path: Path, form: str, suffix: str) -> None:
    """A config in Python is printed in native form without its keys, and that is the same run."""
    run = tmp_path / "run.py"
    run.write_text(AISBENCH, encoding="utf-8")
    text = printed(str(run), "--format", form)
    assert "openai_chat" in text
    assert "hunter2secret" not in text
    again = tmp_path / f"again.{suffix}"
    again.write_text(text.replace("<not dumped>", "other-key"), encoding="utf-8")
    assert public_run(load_config(str(again))) == public_run(load_config(str(run)))


def test_the_schema_is_json() -> None:
    """`--schema` prints one JSON document with the settings of a run."""
    assert {"models", "datasets", "num_prompts"} <= json.loads(printed("--schema"))["properties"].keys()


@pytest.mark.parametrize("arguments", [[], ["run.py", "--schema"]])
def test_one_thing_at_a_time(arguments: list[str]) -> None:
    """Neither a config nor `--schema`, or both, is wrong usage."""
    with pytest.raises(UsageError, match="give either a config file or --schema"):
        printed(*arguments)
