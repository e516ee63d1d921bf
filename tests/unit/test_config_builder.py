"""Settings of a run, from dicts to the checked plan."""

from typing import Any

import msgspec
import pytest

from fastbench.aisbench import build_run
from fastbench.config import DEFAULT_STATS, RunConfig
from fastbench.config.fields.check import describe
from fastbench.config.fields.lengths import Uniform
from fastbench.config.services import ServiceConfig
from fastbench.datasets import SyntheticConfig
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.errors import ConfigError
from fastbench.units import DURATION_FORM, NS_PER_S

MODEL = {"type": "openai_chat"}
DATASET = {"type": "synthetic", "count": 10, "input_len": 5}


def build(**settings: Any) -> RunConfig:
    return build_run({"models": [MODEL], "datasets": [DATASET]} | settings, "run.py")


def faults(**settings: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        build(**settings)
    return str(caught.value).splitlines()


def model_faults(**fields: Any) -> list[str]:
    return faults(models=[MODEL | fields])


def dataset_faults(**fields: Any) -> list[str]:
    return faults(datasets=[DATASET | fields])


def test_token_ids_go_to_completions_alone() -> None:
    """Prompts made as ids are refused for a service that takes text, where the two meet, before anything is sent."""
    ids = DATASET | {"as_ids": True, "vocab_size": 9}
    takes = {"type": "openai_completions", "abbr": "c"}
    assert build(models=[takes], datasets=[ids]).datasets
    (told,) = faults(models=[MODEL, takes], datasets=[ids])
    assert told.startswith("run.py: datasets[0].as_ids is True, but openai_chat of the model openai-chat takes no")
    pairs = [{"models": ["c"], "datasets": ["synthetic"]}]
    assert build(models=[MODEL, takes], datasets=[ids], model_dataset_combinations=pairs).pairs


def test_defaults() -> None:
    """The least config gives the documented defaults."""
    run = build()
    service = run.models[0]
    assert (run.work_dir, run.num_prompts, run.num_warmups, run.stats) == (
        "outputs/default",
        None,
        1,
        DEFAULT_STATS,
    )
    assert (service.abbr, service.stream, service.retry, service.batch_size) == ("openai-chat", True, 2, 1)
    assert (service.host_ip, service.host_port, service.max_out_len) == ("localhost", 8080, 512)
    assert (service.request_rate, service.request_timeout, service.connect_timeout) == (
        0,
        600 * NS_PER_S,
        10 * NS_PER_S,
    )


@pytest.mark.parametrize(
    ("name", "backend", "stream"),
    [
        ("openai_completions", "openai_completions", False),
        ("VLLMCustomAPI", "openai_completions", False),
        ("VLLMCustomAPIStream", "openai_completions", True),
        ("VLLMCustomAPIChat", "openai_chat", False),
        ("VLLMCustomAPIChatStream", "openai_chat", True),
        ("ais_bench.benchmark.models.VLLMCustomAPIChat", "openai_chat", False),
    ],
)
def test_the_originals_types_are_known(name: str, backend: str, stream: bool) -> None:
    """A `type` may be the original's name, dotted or a class; its `Stream` names force `stream`."""
    for kind in (name, type(name.rpartition(".")[2], (), {})):
        service = build(models=[{"type": kind, "stream": False}]).models[0]
        assert (service.type, service.stream) == (backend, stream)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("retry", -1, "a whole number from 0 to 1000"),
        ("retry", 1001, "a whole number from 0 to 1000"),
        ("retry", 2.5, "a whole number from 0 to 1000"),
        ("retry", True, "a whole number from 0 to 1000"),
        ("batch_size", 0, "a whole number from 1 to 100000"),
        ("batch_size", 100_001, "a whole number from 1 to 100000"),
        ("host_port", 65_536, "a whole number from 1 to 65535"),
        ("max_out_len", 0, "a whole number from 1 to 1048576"),
        ("request_rate", 64_001, "a rate from 0 to 64000/s"),
        ("request_rate", -0.1, "a rate from 0 to 64000/s"),
        ("request_timeout", 0, "a time above 0"),
        ("request_timeout", "2500000h", f"a time above 0 ({DURATION_FORM})"),
        ("connect_timeout", f"{2**62}ns", f"a time above 0 ({DURATION_FORM})"),
        ("connect_timeout", None, "a time above 0"),
        ("stream", 1, "True or False"),
        ("attr", "local", '"service"'),
        ("abbr", "a/b", "a name fit for a directory"),
        ("abbr", "..", "a name fit for a directory"),
        ("model", None, "text"),
        ("generation_kwargs", [1], "a dict with names as keys"),
        ("mock", True, "a dict with names as keys or None"),
        ("use_timestamp", "yes", "True or False"),
        ("path", "/nowhere/at/all", "a tokenizer.json or a directory that holds one"),
        ("host_ip", "a b", "a host name or an IPv4 or IPv6 address"),
    ],
)
def test_a_bad_field_is_named_with_what_is_allowed(field: str, value: object, allowed: str) -> None:
    """The message names file, path, what was found and what is allowed."""
    (line,) = model_faults(**{field: value})
    assert line.startswith(f"run.py: models[0].{field} is {value!r}; it must be {allowed}")


@pytest.mark.parametrize("rate", [0, 64_000, "200/s", 0.001])
def test_ranges_include_their_ends(rate: object) -> None:
    """The ends of a range, and rates as text, are taken."""
    service = build(models=[MODEL | {"request_rate": rate, "retry": 1000, "batch_size": 100_000}]).models[0]
    assert service.request_rate == (200 if rate == "200/s" else rate)


def test_all_faults_are_told_at_once() -> None:
    """Bad fields of all models and data sets, and those found between fields, are in one message."""
    lines = faults(
        models=[
            MODEL | {"retry": -1, "batchsize": 4, "host_ip": "a b"},
            7,
            {"type": "openai_chatt", "stream": "no"},
        ],
        datasets=[{"type": "jsonl"}, {"type": "synthetic", "input_len": [5, 4]}],
        num_warmups=-1,
        summarizer={"stats_list": ["P100"]},
    )
    assert [line.split(" is ")[0] for line in lines] == [
        "run.py: models[0].retry",
        "run.py: models[0].batchsize",
        "run.py: models[0].host_ip",
        "run.py: models[1]",
        "run.py: models[2].type",
        "run.py: models[2].stream",
        "run.py: datasets[0].path",
        "run.py: datasets[1].input_len",
        "run.py: datasets[1].count",
        "run.py: summarizer.stats_list",
        "run.py: num_warmups",
    ]


def test_a_misspelling_gets_the_nearest_name() -> None:
    """An unknown field or type is answered with the known name next to it, where there is one."""
    assert model_faults(batchsize=4) == ["run.py: models[0].batchsize is not a known field; did you mean batch_size?"]
    assert "did you mean openai_chat?" in faults(models=[{"type": "openai_chatt"}])[0]
    assert "did you mean jsonl?" in faults(datasets=[{"type": "json"}])[0]
    assert "known are abbr, api_key" in model_faults(zzz=4)[0]


@pytest.mark.parametrize("name", ["models", "datasets"])
@pytest.mark.parametrize(("items", "reason"), [([], "is empty"), (None, "is None; it must be a list"), ({}, "is {}")])
def test_lists_must_hold_something(name: str, items: object, reason: str) -> None:
    """An empty list of models or data sets, or what is no list, is one clear sentence."""
    (line,) = faults(**{name: items})
    assert line.startswith(f"run.py: {name} {reason}")


def test_missing_lists_are_told() -> None:
    """A config that names no models and no data sets is told both."""
    with pytest.raises(ConfigError) as caught:
        build_run({}, "run.py")
    assert [line.split("; ")[0] for line in str(caught.value).splitlines()] == [
        "run.py: models is missing",
        "run.py: datasets is missing",
    ]


def test_equal_names_are_refused() -> None:
    """Two models, or data sets, of one abbr would write to one place."""
    lines = faults(models=[MODEL, MODEL], datasets=[DATASET, DATASET])
    assert lines == [
        "run.py: models has 2 items with the abbr 'openai-chat'; give each its own",
        "run.py: datasets has 2 items with the abbr 'synthetic'; give each its own",
    ]


def test_tasks_are_the_product() -> None:
    """Each model meets each data set, model by model."""
    models = [MODEL | {"abbr": "a"}, MODEL | {"abbr": "b"}]
    datasets = [DATASET, {"type": "jsonl", "path": "x/y.z.jsonl"}]
    tasks = build(models=models, datasets=datasets, num_prompts=3, summarizer={"stats_list": "P50"}).tasks()
    assert [task.name for task in tasks] == ["a/synthetic", "a/y", "b/synthetic", "b/y"]
    assert {(task.num_prompts, task.num_warmups, task.stats) for task in tasks} == {(3, 1, ("P50",))}


def test_secrets_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key may be "env:NAME" or "$NAME"; the plan holds the name, and a variable that is not set is told."""
    monkeypatch.setenv("FB_KEY", "hunter2")
    monkeypatch.delenv("FB_NONE", raising=False)
    service = build(models=[MODEL | {"api_key": "$FB_KEY", "headers": {"X-Key": "env:FB_KEY"}}]).models[0]
    assert (service.api_key, service.headers) == ("$FB_KEY", {"X-Key": "env:FB_KEY"})
    (line,) = model_faults(api_key="env:FB_NONE")
    told = "names the environment variable FB_NONE, which is not set; export it first"
    assert line == f"run.py: models[0].api_key {told}"


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": ["hunter2"]},
        {"api_key": "hunter2\r\nX: y"},
        {"headers": {"X-Key": "hunter2\n"}},
        {"headers": {"X-Key": "hunter2", "Y": 1}},
        {"headers": {"Authorization": "hunter2"}, "api_key": "hunter2"},
        {"url": "http://u:hunter2@host"},
    ],
)
def test_no_message_shows_a_secret(fields: dict[str, Any]) -> None:
    """Faults of keys and headers are told without their values."""
    lines = model_faults(**fields)
    assert lines
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize("name", ["Host", "content-length", "X Y", "", "X:Y", "X-Request-ID"])
def test_headers_that_cannot_be_added_are_refused(name: str) -> None:
    """A header that fastbench writes itself, or whose name could not be sent, is refused."""
    (line,) = model_faults(headers={name: "x"})
    assert line.startswith(f"run.py: models[0].headers[{name!r}] is ")


@pytest.mark.parametrize("name", ["X Y", "Host", "Authorization", "content-type"])
def test_the_header_of_the_ids_is_one_of_its_own(name: str) -> None:
    """A name that cannot be sent, or by which a request says something else, is refused."""
    (line,) = model_faults(request_id_header=name)
    assert line.startswith("run.py: models[0].request_id_header is ")


def test_a_header_may_have_the_usual_name_of_the_ids_where_they_have_another() -> None:
    """`X-Request-Id` is the user's where fastbench does not write it, and a renamed one is not."""
    for name in ("none", "X-Trace"):
        build(models=[MODEL | {"request_id_header": name, "headers": {"X-Request-Id": "x"}}])
    (line,) = model_faults(request_id_header="X-Trace", headers={"x-trace": "x"})
    assert "--request-id-header" in line


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object])
def test_parameters_must_be_json(value: object) -> None:
    """A sampling parameter that JSON cannot hold is refused before anything is sent."""
    (line,) = model_faults(generation_kwargs={"stop": value})
    assert line.startswith("run.py: models[0].generation_kwargs cannot be written as JSON")


def test_pages_of_metrics() -> None:
    """A page that is no URL is refused by its place in the list."""
    (line,) = model_faults(metrics_url=["http://a:8002", "ftp://b"])
    assert line.startswith("run.py: models[0].metrics_url[1] is 'ftp://b'")


def test_the_body_is_set_in_one_place() -> None:
    """`stream` and the prompt are not sampling parameters; a URL and a mock exclude each other."""
    assert "use stream" in model_faults(generation_kwargs={"stream": False})[0]
    assert "set one of them" in model_faults(url="http://x", mock={})[0]


@pytest.mark.parametrize(("value", "low", "high"), [(5, 5, 5), ([1, 9], 1, 9), ((2, 2), 2, 2)])
def test_lengths(value: object, low: int, high: int) -> None:
    """A length is a number or a pair of bounds."""
    dataset = build(datasets=[DATASET | {"input_len": value, "output_len": value}]).datasets[0]
    assert isinstance(dataset, SyntheticConfig)
    assert dataset.input_len == dataset.output_len == Uniform(low=low, high=high)


@pytest.mark.parametrize("value", [0, 2**20 + 1, [1], [1, 2, 3], "5", [2.0, 3], True, {"a": 1}, [5, 4]])
def test_wrong_lengths_are_refused(value: object) -> None:
    """What is no length is refused once, by its path."""
    (line,) = dataset_faults(input_len=value)
    assert line.startswith("run.py: datasets[0].input_len")


def test_a_prefix_fits_into_the_shortest_prompt() -> None:
    """`shared_prefix` may be as long as the shortest prompt, not longer."""
    assert build(datasets=[DATASET | {"shared_prefix": 5}])
    (line,) = dataset_faults(shared_prefix=6)
    assert line == "run.py: datasets[0].shared_prefix is 6; it must be at most the shortest input_len, 5"


def guide_config(**changes: Any) -> dict[str, Any]:
    uniform = {"Method": "uniform", "Params": {"MinValue": 50, "MaxValue": 500}}
    lengths = {"Input": uniform, "Output": {"Method": "uniform", "Params": {"MinValue": 20, "MaxValue": 200}}}
    return {"Type": "string", "RequestCount": 1000, "StringConfig": lengths} | changes


def test_the_guides_synthetic_config_is_understood() -> None:
    """The guide's own example gives its count and its lengths, with or without a `type`."""
    for extra in ({}, {"type": "synthetic"}):
        dataset = build(datasets=[{"synthetic_config": guide_config(Type="String")} | extra]).datasets[0]
        wanted = {
            "count": 1000,
            "input_len": Uniform(low=50, high=500),
            "output_len": Uniform(low=20, high=200),
        }
        assert dataset == SyntheticConfig(**wanted)


def test_faults_in_the_guides_form_have_its_paths() -> None:
    """Each bad value in a `synthetic_config` is named by its own path, and nothing is called missing."""
    lengths = {
        "Input": {"Method": "uniform", "Params": {"MinValue": 9, "MaxValue": 8}},
        "Output": {"Method": "normal", "Params": {}},
    }
    config = guide_config(RequestCount=0, Typ="string", StringConfig=lengths)
    lines = faults(datasets=[{"synthetic_config": config}])
    at = "run.py: datasets[0].synthetic_config"
    assert lines == [
        f"{at}.RequestCount is 0; it must be a whole number from 1 to 1048576",
        f"{at}.Typ is not a known field; did you mean Type?",
        f"{at}.StringConfig.Input.Params.MaxValue is 8; it must be at least MinValue, 9",
        f'{at}.StringConfig.Output.Method is \'normal\'; it must be "uniform", "gaussian" or "zipf"',
    ]
    assert "is 5; it must be a dict" in faults(datasets=[{"synthetic_config": 5}])[0]


def test_a_jsonl_set_is_named_after_its_file() -> None:
    """The abbr of a file of prompts is its name up to the first dot."""
    dataset = build(datasets=[{"type": "jsonl", "path": "/a/b.c.jsonl"}]).datasets[0]
    assert dataset == JsonlConfig(abbr="b", path="/a/b.c.jsonl")


def test_the_guides_summarizer_is_understood() -> None:
    """Statistics come from the calculator's `stats_list`, as in the guide."""
    calculator = {"type": type("DefaultPerfMetricCalculator", (), {}), "stats_list": ["Average", "P95"]}
    assert build(summarizer={"type": "DefaultPerfSummarizer", "calculator": calculator}).stats == (
        "Average",
        "P95",
    )
    assert "did you mean stats_list?" in faults(summarizer={"stats_lst": []})[0]
    assert "must be DefaultPerfSummarizer" in faults(summarizer={"type": "StablePerfSummarizer"})[0]


def test_an_option_is_named_instead_of_its_field() -> None:
    """Where an option set a field, its fault names the option."""
    labels = {"models[0].retry": "--retry", "models[0].headers": "--header"}
    raw = {"models": [MODEL | {"retry": -1, "headers": {"A B": "x"}}], "datasets": [DATASET]}
    with pytest.raises(ConfigError) as caught:
        build_run(raw, "options", labels=labels)
    first, second = str(caught.value).splitlines()
    assert first == "--retry is -1; it must be a whole number from 0 to 1000"
    assert second.startswith("--header['A B'] is named 'A B'")


@pytest.mark.parametrize("kind", [ServiceConfig, SyntheticConfig, JsonlConfig], ids=lambda kind: kind.__name__)
def test_every_field_can_be_described(kind: type) -> None:
    """Whatever field is missing or wrong, there are words for what it allows."""
    for field in msgspec.structs.fields(kind):
        assert describe(field.type)


def test_a_missing_length_is_one_sentence() -> None:
    """A data set without its required length is told by name, with what may stand there."""
    raw = {"models": [{"type": "openai_chat"}], "datasets": [{"type": "synthetic", "count": 1}]}
    with pytest.raises(ConfigError, match=r"datasets\[0\].input_len") as caught:
        build_run(raw, "run.py")
    assert "a number of tokens" in str(caught.value)
