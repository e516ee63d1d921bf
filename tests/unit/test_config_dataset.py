"""One item of `datasets`: fastbench's own forms and the guide's."""

from pathlib import Path
from typing import Any

import pytest
from dataset_dicts import UNIFORM, built, faults, gsm8k, guide, law
from hypothesis import given
from hypothesis import strategies as st

from fastbench.aisbench import DATASET_CLASSES
from fastbench.config import Issues, public_settings
from fastbench.config.dataset import build_dataset
from fastbench.config.fields.data_files import CACHE_VARIABLE, find_data, missing_sentence
from fastbench.config.fields.lengths import Gaussian, Uniform, Zipf
from fastbench.datasets import SyntheticConfig
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.datasets.synthetic import MixPart, PrefixPool
from fastbench.registry import DATASETS

SYNTHETIC = {"type": "synthetic", "count": 10, "input_len": 5}


@pytest.mark.parametrize(
    ("value", "lengths"),
    [
        ({"method": "uniform", "low": 1, "high": 3}, Uniform(low=1, high=3)),
        (
            {"method": "gaussian", "mean": 100, "var": 200.5, "low": 1, "high": 200},
            Gaussian(mean=100.0, var=200.5, low=1, high=200),
        ),
        ({"method": "zipf", "alpha": 1.5, "low": 10, "high": 1000}, Zipf(alpha=1.5, low=10, high=1000)),
    ],
)
def test_laws_of_lengths(value: object, lengths: object) -> None:
    """A length may be a law with its parameters, for prompts as for replies."""
    config = built(SYNTHETIC | {"input_len": value, "output_len": value})
    assert config.input_len == config.output_len == lengths


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"method": "x"}, "input_len.method is 'x'; it must be uniform, gaussian, zipf"),
        ({"method": "gausian"}, "input_len.method is 'gausian'; did you mean gaussian?"),
        ({"low": 1, "high": 2}, "input_len.method is missing; it must be uniform, gaussian, zipf"),
        ({"method": "uniform", "low": 1}, "input_len.high is missing; it must be a whole number from 1 to 1048576"),
        ({"method": "uniform", "low": 3, "high": 2}, "input_len.high is 2; it must be at least low, 3"),
        (
            {"method": "zipf", "alpha": 2, "low": 1, "high": 2, "mean": 3},
            "input_len.mean is not a known field; known are alpha, high, low",
        ),
    ],
)
def test_faults_in_laws(value: object, told: str) -> None:
    """A law with a wrong name, a missing, a surplus or a bad parameter is told once, by its path."""
    assert faults(SYNTHETIC | {"input_len": value}) == [told]


def test_a_mix_takes_the_place_of_lengths() -> None:
    """Each part of a mix has lengths of its own in any form, and a weight that is 1 where it is not given."""
    config = built(
        {
            "type": "synthetic",
            "count": 5,
            "mix": [
                {"input_len": 100, "output_len": [1, 2], "weight": 3},
                {"input_len": {"method": "zipf", "alpha": 2, "low": 1, "high": 9}},
            ],
        }
    )
    assert config.parts() == (
        MixPart(input_len=Uniform(low=100, high=100), output_len=Uniform(low=1, high=2), weight=3),
        MixPart(input_len=Zipf(alpha=2, low=1, high=9)),
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mix": [{"input_len": 1}]}, "mix is set, and so is input_len; set one of them"),
        ({"mix": 5}, "mix is 5; it must be a list of dicts with input_len, output_len and weight"),
        ({"mix": [7], "input_len": None}, "mix[0] is 7; it must be a dict with input_len, output_len and weight"),
        ({"mix": [{"weight": 1}], "input_len": None}, "mix[0].input_len is missing; it must be a number of tokens"),
        (
            {"mix": [{"input_len": 1, "weight": 0}, {"input_len": 1, "weight": 0.0}], "input_len": None},
            "mix has weights whose sum is 0; give one part at least a weight above 0",
        ),
        (
            {"mix": [{"input_len": 1, "weight": -1}], "input_len": None},
            "mix[0].weight is -1; it must be a number from 0",
        ),
        (
            {"mix": [{"input_len": 1, "parameters": {"max_tokens": 1}}], "input_len": None},
            "mix[0].parameters['max_tokens'] is set by the run, the prompt or output_len; leave it out",
        ),
        (
            {"mix": [{"input_len": 1, "parameters": {"seed": float("nan")}}], "input_len": None},
            "mix[0].parameters cannot be written as JSON",
        ),
        (
            {"mix": [{"input_len": 1, "parameters": {"guided_json": {"type": "x"}}}], "input_len": None},
            "mix[0].parameters has a guided_json that is no JSON schema",
        ),
        (
            {"mix": [{"input_len": 1, "class_name": "a\nb"}], "input_len": None},
            "mix[0].class_name is 'a\\nb'; it must be a name of at most 64 printable characters",
        ),
        ({"input_len": None}, "input_len is missing; it must be a number of tokens or [least, most], or the lengths"),
        ({"prefix_pool": {"count": 2, "length": 6}}, "prefix_pool.length is 6; it must be at most the shortest"),
        ({"prefix_pool": {"count": 0, "length": 5}}, "prefix_pool.count is 0; it must be a whole number from 1"),
        ({"prefix_pool": {"count": 1}}, "prefix_pool.length is missing"),
        ({"prefix_pool": 5}, "prefix_pool is 5; it must be a dict with count, length and hit_ratio"),
        (
            {"prefix_pool": {"count": 1, "length": 2, "hit_ratio": 1.5}},
            "prefix_pool.hit_ratio is 1.5; it must be a number from 0 to 1",
        ),
        (
            {"prefix_pool": {"count": 1, "length": 2}, "shared_prefix": 1},
            "prefix_pool is set, and so is shared_prefix; set one of them",
        ),
        ({"as_ids": True, "with_chat_template": True}, "with_chat_template is True, and so is as_ids"),
        ({"seed": -1}, "seed is -1; it must be a whole number from 0"),
        ({"count": 0}, "count is 0; it must be a whole number from 1"),
    ],
)
def test_faults_of_synthetic_prompts(changes: dict[str, Any], told: str) -> None:
    """Each rule of synthetic prompts has a sentence with the field, what was found and what is allowed."""
    (line,) = faults(SYNTHETIC | changes)
    assert line.startswith(told)


def test_a_prefix_pool_is_read() -> None:
    """A prefix pool is a dict of its fields; without a hit ratio each prompt begins with a prefix."""
    config = built(SYNTHETIC | {"prefix_pool": {"count": 3, "length": 4}})
    assert config.prefix_pool == PrefixPool(count=3, length=4, hit_ratio=None)


def test_the_guides_laws_are_read() -> None:
    """Uniform, gaussian and zipf of the guide's form become the laws of the same names, whatever the case."""
    gaussian = built(law("Gaussian", Mean=100, Var=200, MinValue=1, MaxValue=100))
    assert gaussian.input_len == Gaussian(mean=100.0, var=200.0, low=1, high=100)
    zipf = built(law("zipf", Alpha=1.5, MinValue=10, MaxValue=1000))
    assert zipf.input_len == Zipf(alpha=1.5, low=10, high=1000)
    assert zipf.output_len == Uniform(low=1, high=9)


def test_the_guides_tokenid_is_read() -> None:
    """tokenid gives prompts of one length with a common prefix; VocabSize is kept for ids without a tokenizer."""
    sizes = {"RequestSize": 10, "PrefixLen": 3, "VocabSize": 1000}
    config = built(guide(Type="tokenid", TokenIdConfig=sizes))
    assert config == SyntheticConfig(count=4, input_len=Uniform(low=10, high=10), shared_prefix=3, vocab_size=1000)
    assert built(guide(Type="TokenId", TokenIdConfig={"RequestSize": 10})).shared_prefix == 0
    assert built(guide(Type="tokenid", TokenIdConfig={"RequestSize": 10, "PrefixLen": 10})).shared_prefix == 10


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (guide(Type="text"), 'Type is \'text\'; it must be "string" or "tokenid"'),
        (guide(RequestCount=0), "RequestCount is 0; it must be a whole number from 1 to 1048576"),
        (guide(RequestCount=2**20 + 1), "RequestCount is 1048577; it must be a whole number from 1 to 1048576"),
        (guide(RequestCount=1.5), "RequestCount is 1.5; it must be a whole number from 1 to 1048576"),
        (guide(TrustRemoteCode=1), "TrustRemoteCode is 1; it must be True or False"),
        (guide(StringConfig=None), 'StringConfig is missing; it must be a dict of settings, as Type is "string"'),
        (guide(Type="tokenid"), 'TokenIdConfig is missing; it must be a dict of settings, as Type is "tokenid"'),
        (guide(StringConfig={"Input": UNIFORM}), "StringConfig.Output is missing; it must be a dict with Method"),
        (
            guide(StringConfig={"Input": {"Method": "uniform"}, "Output": UNIFORM}),
            "StringConfig.Input.Params is missing; it must be a dict with MinValue, MaxValue and what else the Method",
        ),
        (guide(StringConfig=[]), "StringConfig is []; it must be a dict of settings"),
        (law("poisson"), 'StringConfig.Input.Method is \'poisson\'; it must be "uniform", "gaussian" or "zipf"'),
        (law("uniform", MinValue=1), "StringConfig.Input.Params.MaxValue is missing"),
        (law("uniform", MinValue=1, MaxValue=2, Mean=3), "StringConfig.Input.Params.Mean is not a known field"),
        (law("uniform", MinValue=0, MaxValue=2), "StringConfig.Input.Params.MinValue is 0; it must be a whole number"),
        (law("uniform", MinValue=1, MaxValue=2**20 + 1), "StringConfig.Input.Params.MaxValue is 1048577; it must be"),
        (law("uniform", MinValue=1, MaxValue=2.5), "StringConfig.Input.Params.MaxValue is 2.5; it must be a whole"),
        (law("uniform", MinValue=3, MaxValue=2), "StringConfig.Input.Params.MaxValue is 2; it must be at least"),
        (
            law("gaussian", Mean=4e38, Var=1, MinValue=1, MaxValue=2),
            "StringConfig.Input.Params.Mean is 4e+38; it must be a number from -3e+38 to 3e+38",
        ),
        (
            law("gaussian", Mean=1, Var=-1, MinValue=1, MaxValue=2),
            "StringConfig.Input.Params.Var is -1; it must be a number from 0 to 3e+38",
        ),
        (
            law("zipf", Alpha=1, MinValue=1, MaxValue=2),
            "StringConfig.Input.Params.Alpha is 1; it must be a number above 1, at most 10",
        ),
        (
            law("zipf", Alpha=10.1, MinValue=1, MaxValue=2),
            "StringConfig.Input.Params.Alpha is 10.1; it must be a number above 1, at most 10",
        ),
        (guide(Type="tokenid", TokenIdConfig={}), "TokenIdConfig.RequestSize is missing"),
        (guide(Type="tokenid", TokenIdConfig={"RequestSize": 0}), "TokenIdConfig.RequestSize is 0; it must be"),
        (
            guide(Type="tokenid", TokenIdConfig={"RequestSize": 2, "PrefixLen": 3}),
            "TokenIdConfig.PrefixLen is 3; it must be at most RequestSize, 2",
        ),
        (
            guide(Type="tokenid", TokenIdConfig={"RequestSize": 2, "PrefixLen": -1}),
            "TokenIdConfig.PrefixLen is -1; it must be a whole number from 0",
        ),
        (
            guide(Type="tokenid", TokenIdConfig={"RequestSize": 2, "VocabSize": 0}),
            "TokenIdConfig.VocabSize is 0; it must be a whole number from 1",
        ),
    ],
)
def test_the_guides_rules_of_synthetic_prompts(raw: dict[str, Any], told: str) -> None:
    """Each rule of the guide's `synthetic_config` has a sentence with the path in the guide's own names."""
    (line,) = faults(raw)
    assert line.startswith(f"config.{told}")


def test_a_bad_type_hides_no_other_fault() -> None:
    """The lengths of a `synthetic_config` are checked all the same where its Type is none."""
    told = faults(guide(Type="strin", StringConfig={"Input": UNIFORM}, TokenIdConfig={"RequestSize": 0}))
    assert [line.partition(" is ")[0] for line in told] == [
        "config.Type",
        "config.StringConfig.Output",
        "config.TokenIdConfig.RequestSize",
    ]


@pytest.mark.parametrize(("test_range", "count"), [("[:2]", 2), ("[0:9]", 4), ("[:-1]", 3)])
def test_the_readers_range_cuts_synthetic_prompts(test_range: str, count: int) -> None:
    """The reader's range leaves the first prompts of a synthetic set, as it leaves the first rows of a file."""
    assert built(guide() | {"reader_cfg": {"test_range": test_range}}).count == count


@pytest.mark.parametrize("test_range", ["[1:]", "[::2]", "[-2:]", "[:0]", "[::-1]", "2", 2, 0.5, []])
def test_other_ranges_of_synthetic_prompts_are_refused(test_range: object) -> None:
    """A range that is not of the first prompts of a synthetic set is told once, with what is allowed."""
    (line,) = faults(guide() | {"reader_cfg": {"test_range": test_range}})
    assert line.endswith('it must be a slice of the first prompts, such as "[:8]", for made ones')


def test_a_wrong_type_is_told_with_the_nearest_name() -> None:
    """A misspelled type is told with the name it most likely is, of fastbench's or of the original's."""
    assert faults({"type": "sharegtp"}) == ["type is 'sharegtp'; did you mean sharegpt?"]
    assert faults({"type": "GSM8kDataset"}) == ["type is 'GSM8kDataset'; did you mean GSM8KDataset?"]
    assert "did you mean" not in faults({"type": "BFCLDataset"})[0]
    assert faults({"type": 5})[0].startswith('type is 5; it must be one of "synthetic", "jsonl", "template"')
    assert faults({})[0].startswith('type is missing; it must be one of "synthetic"')
    assert faults(5) == [" is 5; it must be a dict of settings"]


def test_relative_paths_are_looked_for_in_three_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory comes first, then the cache's directory, then the usual directory of data sets."""
    cache, work = tmp_path / "cache", tmp_path / "work"
    usual = work / "ais_bench" / "datasets" / "gsm8k" / "test.jsonl"
    for file in (work / "gsm8k" / "test.jsonl", cache / "gsm8k" / "test.jsonl", usual):
        file.parent.mkdir(parents=True)
        file.touch()
    monkeypatch.chdir(work)
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))
    assert find_data("gsm8k/test.jsonl") == "gsm8k/test.jsonl"
    (work / "gsm8k" / "test.jsonl").unlink()
    assert find_data("gsm8k/test.jsonl") == str(cache / "gsm8k" / "test.jsonl")
    # The original's paths begin with the usual directory, which the cache stands for.
    usual.unlink()
    assert find_data("ais_bench/datasets/gsm8k/test.jsonl") == str(cache / "gsm8k" / "test.jsonl")
    usual.touch()
    (cache / "gsm8k" / "test.jsonl").unlink()
    assert find_data("gsm8k/test.jsonl") == "ais_bench/datasets/gsm8k/test.jsonl"


def test_a_missing_file_is_told_with_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence names the file, the places that were looked at, and the way out."""
    monkeypatch.setenv(CACHE_VARIABLE, "/cache")
    assert missing_sentence("no/such.jsonl") == (
        "no/such.jsonl: no such data set; looked at no/such.jsonl, /cache/no/such.jsonl, "
        "ais_bench/datasets/no/such.jsonl; give the path of a file (--dataset, path in a config), or its directory as "
        "AIS_BENCH_DATASETS_CACHE"
    )


@pytest.mark.parametrize(
    "raw",
    [
        SYNTHETIC | {"input_len": {"method": "zipf", "alpha": 2, "low": 6, "high": 9}, "shared_prefix": 4},
        SYNTHETIC | {"prefix_pool": {"count": 2, "length": 3, "hit_ratio": 0.25}, "with_chat_template": True},
        {"type": "synthetic", "count": 2, "mix": [{"input_len": [1, 2], "weight": 2}, {"input_len": 7}]},
        {"type": "jsonl", "path": "/a.jsonl", "test_range": 0.5},
        gsm8k(),
        {"type": "custom", "path": "/a.csv", "data_type": "mcq", "meta_path": "/m.json"},
        {"type": "sharegpt", "path": "/a.json", "infer_mode": "last", "test_range": "[::2]"},
        {"type": "mooncake", "path": "/a.jsonl", "fixed_schedule_auto_offset": True},
    ],
)
def test_dumped_settings_build_the_same(raw: dict[str, Any]) -> None:
    """What a run writes down of a data set describes the same data set again."""
    config = built(raw)
    assert built(public_settings(config)) == config


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"template": ""}, "template is ''; it must be text, or a list of at least one message with role and content"),
        ({"template": []}, "template is (); it must be text, or a list of at least one message"),
        ({"template": [{"role": "user"}]}, "template is ({'role': 'user'},); it must be text, or a list of at least"),
        ({"template": 5}, "template is 5; it must be text or a list of"),
        ({"columns": 5}, "columns is 5; it must be a list of names"),
        ({"path": "a\0b", "abbr": "x"}, "path is 'a\\x00b'; it must be the name of a file"),
        ({"test_range": float("inf")}, "test_range is inf; it must be a whole number of rows above 0, or a share"),
        ({"test_range": "[::0]"}, "test_range is '[::0]'; it must be a slice such as"),
    ],
)
def test_faults_of_rows_in_a_template(changes: dict[str, Any], told: str) -> None:
    """A template, a range or a path that says nothing is told by its field."""
    (line,) = faults({"type": "template", "path": "/a.jsonl", "template": "{question}"} | changes)
    assert line.startswith(told)


def test_jsonl_takes_a_range() -> None:
    """A file of prompts may be cut by a range and by a count."""
    config = built({"type": "jsonl", "path": "/a.jsonl", "test_range": "[5:]", "count": 3})
    assert config == JsonlConfig(abbr="a", path="/a.jsonl", test_range="[5:]", count=3)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(object()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    *{field for kind in DATASETS for field in kind.schema.__struct_fields__},
    *("config", "synthetic_config", "reader_cfg", "infer_cfg", "eval_cfg", "name", "file_name", "disable_shuffle"),
]
PARTS = {
    "infer_cfg": ("prompt_template", "ice_template", "retriever", "inferencer"),
    "reader_cfg": ("input_columns", "output_column", "test_range", "test_split"),
    "config": ("Type", "RequestCount", "StringConfig", "TokenIdConfig"),
    "prefix_pool": ("count", "length", "hit_ratio"),
    "input_len": ("method", "low", "high", "mean", "var", "alpha"),
}


@given(data=st.data(), kind=st.sampled_from([*DATASETS.names(), *DATASET_CLASSES, "MyDataset"]))
def test_whatever_a_user_writes_is_told_and_never_a_traceback(data: st.DataObject, kind: str) -> None:
    """Any value in any field, and in the dicts inside, gives a data set or faults."""
    raw = data.draw(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=5))
    for name, fields in PARTS.items():
        if data.draw(st.booleans()):
            raw[name] = data.draw(st.dictionaries(st.sampled_from(fields), ANYTHING, max_size=4))
    issues = Issues("run.py")
    config = build_dataset(raw | {"type": kind}, "datasets[0]", issues)
    assert (config is None) == (len(issues) > 0)
