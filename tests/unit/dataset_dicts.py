"""Data set dicts of the original's form, and what the config makes of a dict."""

from typing import Any

import pytest

from fastbench.aisbench import translate_dataset
from fastbench.config import Issues
from fastbench.config.dataset import build_dataset
from fastbench.errors import ConfigError

UNIFORM = {"Method": "uniform", "Params": {"MinValue": 1, "MaxValue": 9}}
QUESTION = {"role": "HUMAN", "prompt": "Q: {question}"}


def tried(raw: object) -> tuple[Any, Issues]:
    """The data set, if any, and the faults."""
    issues = Issues("run.py")
    native = translate_dataset(raw, "datasets[0]", issues)
    return None if issues.excuses("datasets[0]") else build_dataset(native, "datasets[0]", issues), issues


def built(raw: object) -> Any:
    """The data set; fails the test where there is a fault."""
    config, issues = tried(raw)
    issues.check()
    assert config is not None
    return config


def faults(raw: object) -> list[str]:
    """The faults, each after the path of the data set."""
    _, issues = tried(raw)
    with pytest.raises(ConfigError) as caught:
        issues.check()
    return [line.removeprefix("run.py: datasets[0]").removeprefix(".") for line in str(caught.value).splitlines()]


def guide(**changes: Any) -> dict[str, Any]:
    """A data set dict of the original, with a synthetic_config of this kind."""
    config = {"Type": "string", "RequestCount": 4, "StringConfig": {"Input": UNIFORM, "Output": UNIFORM}}
    return {"abbr": "synthetic", "type": "SyntheticDataset", "config": config | changes}


def law(method: str, **params: Any) -> dict[str, Any]:
    """A synthetic_config whose input has this law."""
    return guide(StringConfig={"Input": {"Method": method, "Params": params}, "Output": UNIFORM})


def gsm8k(template: object = None, **changes: Any) -> dict[str, Any]:
    """The original's dict for GSM8K."""
    infer = {
        "prompt_template": {"type": "PromptTemplate", "template": template or {"round": [QUESTION]}},
        "retriever": {"type": "ZeroRetriever"},
        "inferencer": {"type": "GenInferencer"},
    }
    reader = {"input_columns": ["question"], "output_column": "answer"}
    original = {"abbr": "gsm8k", "type": "GSM8KDataset", "path": "/data/gsm8k", "reader_cfg": reader}
    return original | {"infer_cfg": infer, "eval_cfg": {"evaluator": object()}} | changes
