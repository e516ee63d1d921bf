"""The options of `fastbench perf` become a run by the same checks as a config."""

import re
from pathlib import Path

import click
import pytest
from command_lines import options_of

from fastbench.aisbench import PRESETS
from fastbench.config import RunConfig
from fastbench.config.fields.lengths import Uniform
from fastbench.datasets import SyntheticConfig
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.datasets.traces import TraceColumns, TraceConfig
from fastbench.errors import ConfigError, UsageError
from fastbench.options import Options, run_of_options
from fastbench.units import NS_PER_S

CONFIG = """
models = [
    dict(type="VLLMCustomAPIChatStream", abbr="a", retry=5, generation_kwargs=dict(temperature=0.01, top_p=1),
         headers={"X-A": "a"}, mock=dict(itl_ms=20)),
    dict(type="openai_completions", abbr="b", url="http://h"),
]
datasets = [
    dict(type="synthetic", abbr="s", count=10, input_len=5),
    dict(abbr="g", synthetic_config={"Type": "string", "RequestCount": 3, "StringConfig": {
        "Input": {"Method": "uniform", "Params": {"MinValue": 1, "MaxValue": 2}},
        "Output": {"Method": "uniform", "Params": {"MinValue": 1, "MaxValue": 2}}}}),
]
"""


def run(line: str, *more: str) -> RunConfig:
    """The run that this command line describes; `more` holds arguments with spaces in them."""
    return run_of_options(options_of(*line.split(), *more)).run


def faults(line: str, *more: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        run(line, *more)
    return str(caught.value).splitlines()


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "run.py"
    path.write_text(CONFIG, encoding="utf-8")
    return str(path)


def test_a_run_without_a_file() -> None:
    """The common case needs no file: each option lands in its field."""
    line = "--url http://host:8000 --input-len 1024 --output-len 50:500"
    plan = run(f"{line} --concurrency 64 --num-prompts 1000")
    (service,), (dataset,) = plan.models, plan.datasets
    assert (service.type, service.url, service.batch_size) == ("openai_chat", "http://host:8000", 64)
    assert service.generation_kwargs == {"ignore_eos": True}
    assert dataset == SyntheticConfig(
        count=1000, input_len=Uniform(low=1024, high=1024), output_len=Uniform(low=50, high=500)
    )
    assert (plan.num_prompts, plan.source) == (None, None)


def test_every_option_reaches_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the options land in their fields too."""
    monkeypatch.setenv("FB_KEY", "x")
    (tmp_path / "tokenizer.json").touch()
    words = "--url h --model m --api completions --rate 90/min --api-key-env FB_KEY --timeout 90"
    more = "--connect-timeout 1s"
    more += " --retry 0 --num-warmups 0 -w out --stats P50 --seed 3 --shared-prefix 2 --no-stream --save-text"
    pairs = ("--header", "X-A: b: c", "--param", "top_k=3", "--param", "stop=a=b", "--no-ignore-eos")
    plan = run(f"{words} {more}", *pairs, "--tokenizer", str(tmp_path))
    (service,), (dataset,) = plan.models, plan.datasets
    assert (service.type, service.model, service.stream, service.save_text) == (
        "openai_completions",
        "m",
        False,
        True,
    )
    assert (service.request_rate, service.request_timeout, service.connect_timeout) == (
        1.5,
        90 * NS_PER_S,
        NS_PER_S,
    )
    assert (service.retry, service.api_key, service.path) == (0, "env:FB_KEY", str(tmp_path))
    assert (service.headers, service.generation_kwargs) == (
        {"X-A": "b: c"},
        {"top_k": 3, "stop": "a=b"},
    )
    assert isinstance(dataset, SyntheticConfig)
    assert (plan.seed, dataset.seed, dataset.shared_prefix, dataset.count) == (3, None, 2, 100)
    assert (plan.num_warmups, plan.work_dir, plan.stats) == (0, "out", ("P50",))


def test_a_file_of_prompts() -> None:
    """`--dataset` replaces synthetic prompts, `--num-prompts` limits it, `--output-len` is its default."""
    plan = run("--url h --dataset a.jsonl --num-prompts 5 --output-len 7")
    assert plan.datasets == (JsonlConfig(abbr="a", path="a.jsonl"),)
    assert (plan.num_prompts, plan.models[0].max_out_len) == (5, 7)


def test_the_shape_of_the_load() -> None:
    """The options of the load land in their fields, those of the service in every model."""
    line = "--url h --rate 5 --burstiness 2 --ramp exponential:1:50 --profile 50/s:30s 64/s:1min --duration 60"
    more = " --drain 5s --on-full drop --use-timestamp --trace-speed 50 --arrival-seed 7 --think-time 0 --precise"
    plan = run(f"{line}{more} --pressure --pressure-time 20 --max-num-workers 2 --debug --spec-decode")
    (service,) = plan.models
    assert (service.traffic_cfg.burstiness, service.traffic_cfg.ramp, service.traffic_cfg.ramp_up_strategy) == (
        2,
        (1, 50),
        "exponential",
    )
    assert (service.use_timestamp, service.precise) == (True, True)
    stages = [(stage.duration // NS_PER_S, stage.rate, stage.concurrency) for stage in plan.profile]
    assert stages == [(30, 50, None), (60, 64, None)]
    assert (plan.duration, plan.drain, plan.pressure_time, plan.think_time) == (
        60 * NS_PER_S,
        5 * NS_PER_S,
        20 * NS_PER_S,
        0,
    )
    assert (plan.on_full, plan.trace_speed, plan.arrival_seed, plan.pressure) == ("drop", 50, 7, True)
    assert (plan.max_num_workers, plan.debug, plan.spec_decode) == (2, True, True)


@pytest.mark.parametrize(
    "load", ["--rate 5", "--ramp 1:5", "--use-timestamp", "--rate 5 --pressure", "--profile 5/s:1s"]
)
def test_an_open_loop_has_room(load: str) -> None:
    """Where nobody said how many requests may be in flight, an open loop is not held down to one."""
    assert run(f"--url h {load}").models[0].batch_size == 1000
    assert run(f"--url h {load} --concurrency 3").models[0].batch_size == 3


@pytest.mark.parametrize(
    ("load", "limit"), [("concurrency", 1), ("pressure", 1), ("poisson:rate=5", 1000), ("trace", 1000)]
)
def test_a_load_shape_tells_whether_it_is_open(load: str, limit: int) -> None:
    """A shape whose clients wait for their replies has the usual concurrency, one that sends at its times has room."""
    assert run(f"--url h --load {load}").models[0].batch_size == limit


@pytest.mark.parametrize(("more", "times"), [("", True), ("--rate 5", False), ("--load concurrency", False)])
def test_a_trace_says_when_requests_go_out(tmp_path: Path, more: str, times: bool) -> None:
    """A trace is replayed at its times, in an open loop, unless another option says when."""
    trace = tmp_path / "a.csv"
    line = f"--url h --trace {trace} --trace-columns timestamp=t:ms,input=n --trace-lengths b.csv --output-len 5"
    line += " --seed 3 --text corpus"
    plan = run(f"{line} {more}")
    (service,), (dataset,) = plan.models, plan.datasets
    assert (plan.seed, service.use_timestamp) == (3, times)
    assert service.batch_size == (1 if "load" in more else 1000)
    assert dataset == TraceConfig(
        abbr="a",
        path=str(trace),
        columns=TraceColumns(timestamp="t:ms", input="n"),
        lengths="b.csv",
        output_len=Uniform(low=5, high=5),
        text="corpus",
    )
    (made,) = run("--url h --text corpus --input-len 9").datasets
    assert isinstance(made, SyntheticConfig)
    assert made.text == "corpus"
    assert not run_of_options(options_of(*line.split()), replays=False).run.models[0].use_timestamp


def test_a_linear_ramp_is_the_usual_one() -> None:
    """A ramp without a kind is linear."""
    traffic = run("--url h --rate 5 --ramp 1:50").models[0].traffic_cfg
    assert (traffic.ramp_up_strategy, traffic.ramp) == ("linear", (1, 50))


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--ramp", "5", "give it as 1:100 or exponential:1:100"),
        ("--ramp", "1:x", "give it as 1:100 or exponential:1:100"),
        ("--ramp", "a:b:1:2", "give it as 1:100 or exponential:1:100"),
        ("--profile", "50", "give a rate as 50/s:30s or a concurrency as 64:30s"),
        ("--profile", ":5s", "give a rate as 50/s:30s or a concurrency as 64:30s"),
        ("--num-prompts", "1.5", "'1.5' is not a valid integer"),
        ("--api", "vllm", "'vllm' is not an API; known are openai_chat, "),
    ],
)
def test_values_of_another_form_are_refused(option: str, value: str, told: str) -> None:
    """What an option cannot read is told with the form that it reads."""
    with pytest.raises(click.BadParameter, match=re.escape(told)):
        run("--url h", option, value)


def test_all_prompts(tmp_path: Path) -> None:
    """`--num-prompts none` sets no limit, also over that of a config; made prompts are as many as ever."""
    assert run("--url h --dataset a.jsonl --num-prompts none").num_prompts is None
    path = tmp_path / "run.py"
    path.write_text(f"{CONFIG}num_prompts = 2\n", encoding="utf-8")
    assert [run(str(path)).num_prompts, run(f"{path} --num-prompts none").num_prompts] == [2, None]
    (dataset,) = run("--url h --num-prompts none").datasets
    assert isinstance(dataset, SyntheticConfig)
    assert dataset.count == 100


@pytest.mark.parametrize("api", ["completions", "openai_completions"])
def test_apis(api: str) -> None:
    """`--api` takes the short name of an API and its full one."""
    assert run(f"--url h --api {api}").models[0].type == "openai_completions"


def test_options_over_named_tasks() -> None:
    """With named tasks options win as well; their faults name the option, other faults the file of the task."""
    line = "--models vllm_api_general tgi_api_general --datasets synthetic_gen_string"
    plan = run(f"{line} --url h --concurrency 9 --input-len 7 --ignore-eos --no-stream")
    assert [(model.url, model.batch_size, model.stream) for model in plan.models] == [("h", 9, False)] * 2
    assert [model.generation_kwargs["ignore_eos"] for model in plan.models] == [True, True]
    (dataset,) = plan.datasets
    assert isinstance(dataset, SyntheticConfig)
    assert (dataset.count, dataset.input_len) == (10, Uniform(low=7, high=7))
    told = faults("--models vllm_api_general triton_api_general --datasets synthetic_gen --retry 2000")
    assert [fault.partition(" is ")[0] for fault in told] == [
        "--retry",
        f"{PRESETS}/models/triton_api/triton_api_general.py: models[0].model_name",
    ]


def test_several_configs_that_fit_are_told() -> None:
    """Of a pattern that fits several configs the first is used, and the user is told."""
    chosen = run_of_options(options_of("--models", "tgi*", "--datasets", "synthetic_gen"))
    assert [model.abbr for model in chosen.run.models] == ["tgi-api-general"]
    assert chosen.remarks == ("several configs fit; tgi_api_general is used, not tgi_stream_api_general",)


def test_merging_data_sets() -> None:
    """`--merge-ds` merges nothing of different classes, as in the original; of one class it is refused."""
    line = "--url h --merge-ds --datasets synthetic_gen_string gsm8k_gen_0_shot_cot_str aime2024_gen_0_shot_str"
    assert len(run(line).datasets) == 3
    (told,) = faults(
        "--url h --merge-ds --datasets gsm8k_gen_0_shot_cot_str demo_gsm8k_gen_0_shot_cot_str_perf mtbench_gen"
    )
    assert told.startswith("--merge-ds would merge gsm8k, demo_gsm8k, which fastbench reports one by one")


def test_columns_and_stage(tmp_path: Path) -> None:
    """`--stats` and `--stage` go over a summarizer, which keeps the rest."""
    path = tmp_path / "run.py"
    calculator = "dict(type='StablePerfMetricCalculator', stats_list=['P1'])"
    path.write_text(f"{CONFIG}summarizer = dict(calculator={calculator})\n", encoding="utf-8")
    plans = [run(str(path)), run(f"{path} --stats P2"), run(f"{path} --stage auto"), run(f"{path} --window 1s:2s")]
    assert [(plan.stats, plan.stage) for plan in plans] == [
        (("P1",), "stable"),
        (("P2",), "stable"),
        (("P1",), "auto"),
        (("P1",), "1s:2s"),
    ]


def test_the_embedded_service() -> None:
    """`--mock`, or an option of it, starts the embedded service; values are JSON where they are."""
    assert run("--mock").models[0].mock == {}
    plan = run("--mock-option itl_ms=2.5 --mock-option style=vllm")
    assert plan.models[0].mock == {"itl_ms": 2.5, "style": "vllm"}


def test_options_override_every_model(config: str) -> None:
    """With a config, options win in all models; pairs are added to those the config has; the rest stays."""
    plan = run("--config", config, "--retry", "1", "--param", "top_p=0.5", "--header", "X-B: b", "--num-prompts", "4")
    first, second = plan.models
    assert (first.retry, second.retry) == (1, 1)
    assert first.generation_kwargs == {"temperature": 0.01, "top_p": 0.5}
    assert first.headers == {"X-A": "a", "X-B": "b"}
    assert (first.mock, second.mock) == ({"itl_ms": 20}, None)
    assert (plan.num_prompts, plan.source) == (4, config)


def test_options_override_every_synthetic_set(config: str) -> None:
    """Lengths go to all synthetic data sets, those in the guide's form included, and the seed to the run."""
    plan = run("--config", config, "--input-len", "7", "--seed", "9")
    found = [(d.count, d.input_len.high) for d in plan.datasets if isinstance(d, SyntheticConfig)]
    assert (found, plan.seed) == ([(10, 7), (3, 7)], 9)


def test_options_win_over_names_and_addresses(config: str) -> None:
    """`--no-stream` wins over a type that stands for streaming, `--mock` over the config's URL."""
    plan = run("--config", config, "--no-stream", "--ignore-eos", "--mock-option", "itl_ms=1")
    assert [(m.type, m.stream) for m in plan.models] == [
        ("openai_chat", False),
        ("openai_completions", False),
    ]
    assert [(m.mock, m.url) for m in plan.models] == [({"itl_ms": 1}, "")] * 2
    assert plan.models[0].generation_kwargs["ignore_eos"] is True


def test_faults_name_the_option() -> None:
    """A value that an option set is told by the option, with the config's own range."""
    line = "--url ftp://x --input-len 3:2 --retry 2000 --concurrency 0 --num-prompts 0 --stats Mean --timeout 0s"
    told = faults(line, "--header", "A b: c")
    assert sorted(fault.split(" is ")[0] for fault in told) == [
        "--concurrency",
        "--header['A b']",
        "--input-len",
        "--num-prompts",
        "--retry",
        "--stats",
        "--timeout",
        "--url",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "no service is given; give CONFIG.py, --models NAME, --url http://host:port or --mock"),
        ("--datasets synthetic_gen", "no service is given; give CONFIG.py, --models NAME, "),
        ("--models vllm_api_general", "no prompts are given; give --datasets NAME, --custom-dataset-path FILE or"),
        ("run.py --config run.py", "--config and run.py both name a config; give one of them"),
        ("run.py --models a", "--models and the config run.py name two plans; give one of them"),
        ("run.py --datasets a", "--datasets and the config run.py name two plans; give one of them"),
        (
            "--url h --datasets a --dataset b",
            "--datasets and --dataset both say which prompts to send; give one of them",
        ),
        (
            "--url h --custom-dataset-path a --dataset b",
            "--dataset and --custom-dataset-path both say which prompts to send",
        ),
        ("--url h --custom-dataset-meta-path a", "--custom-dataset-meta-path goes with --custom-dataset-path FILE"),
        ("--url h --trace-columns input=a", "--trace-columns goes with --trace FILE, which is not given"),
        ("--url h --trace a --dataset b", "--dataset and --trace both say which prompts to send; give one of them"),
        ("--url h --trace a --trace-columns at=b", "--trace-columns: at is not a known field"),
        ("--url h --rate 0", "--rate is 0, which sends nothing; leave --rate out for a closed loop of --concurrency N"),
        ("--url h --rate 0/s", "--rate is 0, which sends nothing"),
        ("--url h --max-workers-per-gpu 0", "--max-workers-per-gpu is 0; it must be a whole number of at least 1"),
        ("--url h --pressure-time 86401", "--pressure-time is '86401'; it must be at most 86400 seconds"),
        ("--url h --pressure-time 0", "--pressure-time is '0'; it must be a time above 0"),
        ("--url h --stage total --window 1s:", "--stage and --window name two parts of the run; give one of them"),
        ("--url h --window 5", "--window 5 is not a window; give it as FROM:TO"),
        ("--url h --profile x:1s", "--profile[0].concurrency is 'x'; it must be a whole number from 0 to 100000"),
        ("--url h --api triton", "--model is missing; it must be the model's name"),
        ("--url h --shared-prefix 2000", "--shared-prefix is 2000; it must be at most the shortest input_len, 1024"),
        ("--url h --max-num-workers 0", "--max-num-workers is 0; it must be a whole number from 1 to 1024"),
        ("--url h --mock", "--url and --mock name two services"),
        ("--url h --mock-option a=1", "--url and --mock-option name two services"),
        (
            "--url h --dataset x --seed 1",
            "--seed is for made prompts and markers (--cache-bust), but the run has none, as --dataset names others",
        ),
        (
            "--url h --custom-dataset-path x.csv --shared-prefix 1",
            "--shared-prefix is for synthetic prompts, but the run has none, as --custom-dataset-path names others",
        ),
        (
            "--url h --datasets mtbench_gen --input-len 8",
            "--input-len is for synthetic prompts, but the run has none, as --datasets names others: leave one of them",
        ),
        ("--url h --dataset x --input-len 1", "--input-len is for synthetic prompts, but the run has none"),
        ("--url h --dataset x --output-len 1:2", "--output-len is [1, 2]; it must be a whole number from 1"),
        ("--config /no/such/run.py", "/no/such/run.py: the config cannot be read"),
        ("--url h --param stream=true", "--param['stream'] is not a sampling parameter"),
    ],
)
def test_what_does_not_go_together_is_told(line: str, reason: str) -> None:
    """Options that contradict each other, or lack something, are one sentence."""
    (told,) = faults(line)
    assert told.startswith(reason)


@pytest.mark.parametrize("broken", ["models = 5\ndatasets = [7]", "models = [7]\ndatasets = 5"])
def test_options_over_a_broken_config(tmp_path: Path, broken: str) -> None:
    """What is no list or no dict in the config is told by the check, also when options go over it."""
    path = tmp_path / "run.py"
    path.write_text(broken, encoding="utf-8")
    told = faults("--config", str(path), "--retry", "1")
    assert len(told) == 2
    assert all(line.startswith(f"{path}: ") for line in told)


@pytest.mark.parametrize("value", ["", "a", "1:2:3", "-1", "1:", "1.5"])
def test_a_length_is_a_number_or_a_range(value: str) -> None:
    """What is no length is refused by a message that shows both forms."""
    with pytest.raises(click.BadParameter, match="a number such as 1024 or a range such as 50:500"):
        run("--url h --input-len", value)


@pytest.mark.parametrize(("option", "value"), [("--param", "a"), ("--param", "=1"), ("--header", "hunter2")])
def test_pairs_need_both_halves(option: str, value: str) -> None:
    """A pair without its sign, or a header without its colon, is refused; a header is not shown."""
    with pytest.raises(click.BadParameter, match=r"given as|give it as") as caught:
        run("--url h", option, value)
    assert "hunter2" not in str(caught.value)


def test_a_metrics_page_is_asked_for() -> None:
    """`--metrics-url` is taken several times, and asks for what is there unless something else says how."""
    plan = run("--url h --metrics-url http://a:8002 --metrics-url http://b:8002/m")
    assert plan.models[0].metrics_url == ("http://a:8002", "http://b:8002/m")
    assert plan.service_metrics == 10**9
    assert run("--url h --metrics-url http://a:8002 --service-metrics 2s").service_metrics == 2 * 10**9
    assert run("--url h --metrics-url http://a:8002 --spec-decode").service_metrics is None


def test_synthetic_prompts_beside_a_duration() -> None:
    """Also where the number of prompts is that of the synthetic ones, that a duration decides is told."""
    options = options_of("--url", "h", "--input-len", "8", "--num-prompts", "6", "--duration", "1s")
    (remark,) = run_of_options(options).remarks
    assert remark.startswith("num_prompts (--num-prompts) is 6, but duration decides how many requests are sent")


def test_a_fault_in_yaml_has_its_line_unless_an_option_took_its_place(tmp_path: Path) -> None:
    """A setting of a YAML config is named with its line; what an option sets is named by the option, and prompts that
    an option names have none of the lines of the config's."""
    config = tmp_path / "run.yaml"
    config.write_text("models:\n  - type: openai_chat\n    retry: -1\ndatasets:\n  - type: jsonl\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        run_of_options(Options({"config_file": str(config)}))
    assert str(caught.value).splitlines() == [
        f"{config}, line 3: models[0].retry is -1; it must be a whole number from 0 to 1000",
        f"{config}, line 5: datasets[0].path is missing; it must be text that is not empty",
    ]
    with pytest.raises(ConfigError) as caught:
        run_of_options(Options({"config_file": str(config), "retry": -2, "dataset": ""}))
    assert str(caught.value).splitlines() == [
        "--retry is -2; it must be a whole number from 0 to 1000",
        "--dataset is ''; it must be text that is not empty",
    ]


def test_a_mix_of_a_file(tmp_path: Path) -> None:
    """--mix takes the place of the lengths, and what is wrong in its file is told with the line there."""
    file = tmp_path / "mix.yaml"
    file.write_text("mix:\n  - {class_name: chat, input_len: 20}\n  - {input_len: [30, 40], weight: 3}\n")
    run, _ = run_of_options(Options({"url": "http://127.0.0.1:9", "mix": str(file)}))
    (dataset,) = run.datasets
    assert isinstance(dataset, SyntheticConfig)
    assert [(part.class_name, part.input_len.low, part.weight) for part in dataset.parts()] == [
        ("chat", 20, 1),
        ("", 30, 3),
    ]
    file.write_text("mix:\n  - {input_len: 20, weight: 0}\n  - {input_len: 30, weight: -1}\n")
    with pytest.raises(UsageError, match=rf"{file}, line 3: mix\[1\].weight is -1"):
        run_of_options(Options({"url": "http://127.0.0.1:9", "mix": str(file)}))
    file.write_text("input_len: 20\n")
    with pytest.raises(UsageError, match=rf"{file}: --mix needs a file with `mix`.*this one has input_len"):
        run_of_options(Options({"url": "http://127.0.0.1:9", "mix": str(file)}))
