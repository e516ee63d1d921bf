"""Config files as Python: what they may import, and what their imports leave untouched."""

import sys
from pathlib import Path
from typing import Any

import pytest

from fastbench.aisbench import load_config
from fastbench.aisbench.standin import AisbenchImports
from fastbench.config import build_run
from fastbench.config.files import NoForeign, read_settings
from fastbench.config.files.python import execute
from fastbench.errors import ConfigError

ORIGINAL = """
from mmengine.config import read_base
from ais_bench.benchmark.models import VLLMCustomAPIChatStream
from ais_bench.benchmark.partitioners import NaivePartitioner
from ais_bench.benchmark.utils.postprocess.model_postprocessors import extract_non_reasoning_content

with read_base():
    from ais_bench.benchmark.configs.summarizers.perf.default_perf import summarizer
    from ais_bench.benchmark.configs.datasets.synthetic.synthetic_gen_string import synthetic_datasets as base
    from ais_bench.benchmark.configs.models.vllm_api.vllm_api_stream_chat import models

models[0]["host_port"] = 1234
models[0].batch_size = 7
models[0].update(pred_postprocessor=dict(type=extract_non_reasoning_content))
datasets = []
for length in [256, 512]:
    one = dict(base[0])
    one["abbr"] = f"syn{length}"
    one["config"] = {"Type": "string", "RequestCount": 3, "StringConfig": {
        "Input": {"Method": "uniform", "Params": {"MinValue": length, "MaxValue": length}},
        "Output": {"Method": "uniform", "Params": {"MinValue": 4, "MaxValue": 4}}}}
    datasets.append(one)
model_dataset_combinations = [dict(models=[models[0]], datasets=[datasets[1]])]
infer = dict(partitioner=dict(type=NaivePartitioner))
work_dir = "out/"
"""


def write(folder: Path, **files: str) -> str:
    """Files by their names, in which `__` stands for a slash; returns the path of the first."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return str(folder / f"{next(iter(files)).replace('__', '/')}.py")


def names(folder: Path, **files: str) -> dict[str, Any]:
    return execute(write(folder, **files), AisbenchImports())


def fault(folder: Path, **files: str) -> str:
    with pytest.raises(ConfigError) as caught:
        names(folder, **files)
    return str(caught.value)


def test_a_config_of_the_original_runs_unchanged(tmp_path: Path) -> None:
    """Classes of the original are stand-ins, its presets are ours, items may be changed by key or by attribute."""
    run = load_config(write(tmp_path, run=ORIGINAL))
    (service,) = run.models
    assert (service.type, service.host_port, service.batch_size) == ("openai_chat", 1234, 7)
    assert [dataset.abbr for dataset in run.datasets] == ["syn256", "syn512"]
    assert [task.name for task in run.tasks()] == ["vllm-api-stream-chat/syn512"]
    assert run.work_dir == "out/"


def test_nothing_of_the_original_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages of these names that are installed stay untouched, and are not touched afterwards either."""
    for name in ("ais_bench", "mmengine"):
        write(tmp_path, **{name: "raise RuntimeError('imported')"})
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    names(tmp_path, run="import ais_bench.benchmark.models as m\nimport mmengine\nx = m.VLLMCustomAPI\n")
    assert not {name for name in set(sys.modules) - before if name.startswith(("ais_bench", "mmengine"))}
    with pytest.raises(RuntimeError, match="imported"):
        __import__("ais_bench")


def test_known_classes_need_no_import_after_the_first(tmp_path: Path) -> None:
    """After any import from the original its class names are known, as its own documents take for granted."""
    text = "from ais_bench.benchmark.models import VLLMCustomAPIChatStream\n"
    found = names(tmp_path, run=text + "a = VLLMCustomAPIChat\nb = GSM8KDataset\nc = StablePerfMetricCalculator")
    assert [found[name].__name__ for name in "abc"] == [
        "VLLMCustomAPIChat",
        "GSM8KDataset",
        "StablePerfMetricCalculator",
    ]
    assert "NameError: name 'VLLMCustomAPIChat'" in fault(tmp_path, bare="a = VLLMCustomAPIChat")
    assert "NameError: name 'NoSuchClass'" in fault(tmp_path, odd=text + "a = NoSuchClass")


def test_unknown_classes_are_refused_by_name(tmp_path: Path) -> None:
    """A class that only the original knows loads, and the check of its field refuses it by its name."""
    text = "from ais_bench.benchmark.models import HuggingFaceModel\nmodels = [dict(type=HuggingFaceModel, abbr='a')]\n"
    text += "datasets = [dict(type='synthetic', count=1, input_len=1)]"
    with pytest.raises(ConfigError, match=r"run.py: models\[0\].type is class HuggingFaceModel; "):
        load_config(write(tmp_path, run=text))


def test_stand_ins_do_no_harm(tmp_path: Path) -> None:
    """A stand-in may be called, looked into and starred, without effect."""
    text = "from ais_bench.benchmark.models import *\nfrom mmengine import Config\n"
    text += "a = Config.fromfile('x').anything if False else Config.fromfile('x')\nb = VLLMCustomAPI"
    assert names(tmp_path, run=text)["b"].__name__ == "VLLMCustomAPI"


def test_files_import_files(tmp_path: Path) -> None:
    """A relative import takes names of another file, with or without read_base, from below or above."""
    found = names(
        tmp_path,
        runs__night__run="from mmengine.config import read_base\n"
        "with read_base():\n    from ...models.a import models as m\n"
        "from .near import *\nfrom . import near\nn = near.near_one\n",
        models__a="models = [dict(abbr='a', generation_kwargs=dict(top_k=1))]\n",
        runs__night__near="near_one = 1\n_hidden = 2\n",
    )
    assert found["m"] == [{"abbr": "a", "generation_kwargs": {"top_k": 1}}]
    assert (found["near_one"], found["n"]) == (1, 1)
    assert "_hidden" not in found


def test_each_import_is_a_copy(tmp_path: Path) -> None:
    """What is changed in the importing file reaches no other one."""
    found = names(
        tmp_path,
        run="from .base import models as a\nfrom .base import models as b\na[0].abbr = 'x'\n",
        base="models = [dict(abbr='y')]",
    )
    assert (found["a"], found["b"]) == ([{"abbr": "x"}], [{"abbr": "y"}])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\nfrom .absent import y", "line 2: ImportError: there is no config file "),
        ("from .base import y", "line 1: ImportError: {folder}/base.py sets no y"),
        ("from . import absent", "line 1: ImportError: there is no config file {folder}/absent.py"),
        ("from .run import x", "line 1: ImportError: {folder}/run.py imports itself by way of this file"),
        ("from ais_bench.benchmark.configs.datasets.mmlu.mmlu_gen import x", "line 1: ImportError: there is no config"),
        ("from .deep import x", "{folder}/deep.py, line 2: ZeroDivisionError"),
        ("from .......... import x", "line 1: "),
    ],
)
def test_an_import_that_fails_has_its_line(tmp_path: Path, text: str, reason: str) -> None:
    """What an import finds wrong is told with the line of the file that holds it."""
    told = fault(tmp_path, run=text, base="models = []", deep="\nx = 1 / 0")
    assert told.startswith(str(tmp_path))
    assert reason.format(folder=tmp_path) in told
    assert "\n" not in told


def test_other_imports_are_pythons_own(tmp_path: Path) -> None:
    """The standard library and installed packages are imported as always."""
    assert names(tmp_path, run="import json, os.path as p\nfrom copy import deepcopy\na = json.dumps(1)")["a"] == "1"


def test_a_native_config_knows_nothing_of_aisbench(tmp_path: Path) -> None:
    """Without AISBench's imports a config of native types is read and built, and AISBench's packages are not there."""
    native = "from .base import models\ndatasets = [dict(type='synthetic', count=1, input_len=1)]\n"
    path = write(tmp_path, run=native, base="models = [dict(type='openai_chat')]")
    assert build_run(read_settings(path).raw, path).models[0].type == "openai_chat"
    with pytest.raises(ConfigError, match="line 1: ModuleNotFoundError: No module named 'mmengine'"):
        execute(write(tmp_path, other="import mmengine"), NoForeign())
