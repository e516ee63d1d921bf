"""The guide's command lines, with `fastbench perf` in the place of its program, in the order of the guide.

A user of the guide edits the files that `--search` names; here they are copied to `configs/`, where they are found
first, and edited there.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from nursery import Mock
from running import STATS, Ended, fastbench_command, table, tables

import fastbench

PRESETS = Path(fastbench.__file__).parent / "aisbench" / "presets"
GSM8K = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k_test.jsonl"
STREAM_CHAT = "models/vllm_api/vllm_api_stream_chat.py"
DEMO = "demo_gsm8k_gen_4_shot_cot_chat_prompt"
SYNTHETIC = "datasets/synthetic/synthetic_gen_string.py"


def pasted(name: str) -> str:
    """A config as the guide prints it, to the letter."""
    return (Path(__file__).parent / "guide" / f"{name}.txt").read_text(encoding="utf-8")


class Workspace:
    """The directory that a user of the guide works in."""

    def __init__(self, directory: Path, service: Mock) -> None:
        self.directory = directory
        self._service = service

    def write(self, path: str, text: str) -> Path:
        file = self.directory / "configs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def edit(self, path: str, **settings: object) -> Path:
        """The preset at `path`, copied and with these settings changed."""
        text = (PRESETS / path).read_text(encoding="utf-8")
        for name, value in settings.items():
            before, after = text.split(f"{name}=", 1)
            text = f"{before}{name}={value!r},{after.partition(',')[2]}"
        return self.write(path, text)

    def serve(self, path: str, **settings: object) -> None:
        """The preset of a model task, edited so that it leads to the running service."""
        self.edit(path, host_port=urlsplit(self._service.url).port, **settings)

    def data(self, path: str, rows: Path | list[dict[str, object]]) -> None:
        """A file below ais_bench/datasets/, where the guide tells to put the data."""
        file = self.directory / "ais_bench" / "datasets" / path
        file.parent.mkdir(parents=True)
        if isinstance(rows, Path):
            shutil.copyfile(rows, file)
        else:
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def perf(self, line: str, *more: str) -> Ended:
        return fastbench_command(self.directory, "perf", *line.split(), *more, "--no-plot")

    @property
    def run(self) -> Path:
        """The only run under the guide's default directory."""
        (run,) = (self.directory / "outputs" / "default").iterdir()
        return run

    def columns(self, model: str, dataset: str) -> list[str]:
        with (self.run / "performances" / model / f"{dataset}.csv").open() as file:
            return next(csv.reader(file))

    def common(self, model: str, dataset: str) -> dict[str, object]:
        content: dict[str, dict[str, object]] = json.loads(
            (self.run / "performances" / model / f"{dataset}.json").read_text()
        )
        return {name: stages["total"] for name, stages in content.items()}


@pytest.fixture(scope="module")
def quick() -> Iterator[Mock]:
    with Mock() as mock:
        yield mock


@pytest.fixture
def work(tmp_path: Path, quick: Mock) -> Workspace:
    return Workspace(tmp_path, quick)


@pytest.fixture
def gsm8k(work: Workspace) -> Workspace:
    """With the GSM8K data set where the guide tells to put it."""
    if not GSM8K.is_file():
        pytest.skip("needs the GSM8K data set beside the repository")
    work.data("gsm8k/test.jsonl", GSM8K)
    return work


def headings(ended: Ended) -> list[str]:
    """The tasks whose results were printed, in their order."""
    start = "Performance Results of task: "
    lines = [line.removeprefix(start) for line in ended.out.splitlines() if line.startswith(start)]
    return [line.partition(":")[0] for line in lines]


def test_command_meaning(gsm8k: Workspace) -> None:
    """The first command of the guide measures the 8 rows of the demo and prints both tables."""
    gsm8k.serve(STREAM_CHAT, max_out_len=16)
    line = f"--models vllm_api_stream_chat --datasets {DEMO} --summarizer default_perf --mode perf"
    ended = gsm8k.perf(line)
    assert (ended.code, ended.err) == (0, "")
    assert headings(ended) == ["vllm-api-stream-chat/demo_gsm8k"]
    header, *rows = table(ended.out, "Performance Parameters")
    assert header == ["Performance Parameters", "Stage", *STATS, "N"]
    assert {row[-1] for row in rows} == {"8"}
    assert ended.common()["Total Requests"] == 8
    assert f"located in outputs/default/{gsm8k.run.name}/performances/vllm-api-stream-chat." in ended.out


def test_search(work: Workspace) -> None:
    """`--search` prints the absolute paths of the configs and sends nothing; the mode has no effect on it."""
    line = f"--models vllm_api_stream_chat --datasets {DEMO} --search"
    ended = work.perf(line)
    assert (ended.code, ended.err) == (0, "")
    assert table(ended.out, "Task Type") == [
        ["Task Type", "Task Name", "Config File Path"],
        ["--models", "vllm_api_stream_chat", str(PRESETS / STREAM_CHAT)],
        ["--datasets", DEMO, str(PRESETS / "datasets" / "demo" / f"{DEMO}.py")],
    ]
    assert work.perf(f"{line} --mode perf").out == ended.out
    assert list(work.directory.iterdir()) == []


def test_the_model_config_of_the_guide(gsm8k: Workspace, quick: Mock) -> None:
    """The guide's model config, pasted as it is, is used: also the class that it uses and does not import."""
    gsm8k.write(STREAM_CHAT, pasted("model_config"))
    ended = gsm8k.perf(f"--models vllm_api_stream_chat --datasets {DEMO} -m perf", "--url", quick.url)
    assert (ended.code, ended.err) == (0, "")
    assert headings(ended) == ["vllm-api-general-chat/demo_gsm8k"]
    assert ended.parameters("Min")["OutputTokens"] == 512


def test_run_directory(gsm8k: Workspace) -> None:
    """A run leaves configs/, logs/ and the tables of its task, the csv and json being those on the screen."""
    gsm8k.serve(STREAM_CHAT, max_out_len=4)
    ended = gsm8k.perf(f"--models vllm_api_stream_chat --datasets {DEMO} -m perf")
    assert ended.code == 0
    run = gsm8k.run
    assert {path.name for path in run.iterdir()} >= {"configs", "logs", "performances"}
    assert [path.suffix for path in (run / "configs").iterdir()] == [".py"]
    assert list((run / "logs").rglob("demo_gsm8k.out"))
    assert gsm8k.columns("vllm-api-stream-chat", "demo_gsm8k") == table(ended.out, "Performance Parameters")[0]
    common = gsm8k.common("vllm-api-stream-chat", "demo_gsm8k")
    assert {name: str(value) for name, value in common.items()} == ended.common_cells()


def test_debug(gsm8k: Workspace) -> None:
    """`--debug` measures all the same."""
    gsm8k.serve(STREAM_CHAT, max_out_len=4)
    ended = gsm8k.perf(f"--models vllm_api_stream_chat --datasets {DEMO} -m perf --debug")
    assert ended.code == 0
    assert headings(ended) == ["vllm-api-stream-chat/demo_gsm8k"]


MULTI = (
    "--models vllm_api_general_stream vllm_api_stream_chat "
    "--datasets gsm8k_gen_4_shot_cot_str aime2024_gen_0_shot_str --mode perf"
)


@pytest.mark.parametrize(
    ("more", "count"), [("", 100), pytest.param(" --max-num-workers 2", 1319, marks=pytest.mark.slow)]
)
def test_multi_task(gsm8k: Workspace, more: str, count: int) -> None:
    """Two models and two data sets are four tasks, all of whose results are printed at the end, in this order."""
    rows = gsm8k.directory / "ais_bench" / "datasets" / "gsm8k" / "test.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:count]))
    gsm8k.data("aime/aime.jsonl", [{"origin_prompt": f"What is {k} + 1?", "gold_answer": k + 1} for k in range(30)])
    gsm8k.serve("models/vllm_api/vllm_api_general_stream.py", max_out_len=2, batch_size=64)
    gsm8k.serve(STREAM_CHAT, max_out_len=2, batch_size=64)
    ended = gsm8k.perf(MULTI + more)
    assert ended.code == 0
    assert "aime2024: batch_size (--concurrency) is 64, but there are 30 requests: 34 slots" in ended.one_sentence()
    models = ("vllm-api-general-stream", "vllm-api-stream-chat")
    assert headings(ended) == [f"{model}/{dataset}" for model in models for dataset in ("gsm8k", "aime2024")]
    assert len(tables(ended.out, "Common Metric")) == 4
    for model in models:
        files = {path.name for path in (gsm8k.run / "performances" / model).iterdir()}
        assert files >= {"aime2024.csv", "aime2024.json", "gsm8k.csv", "gsm8k.json"}
        assert gsm8k.common(model, "gsm8k")["Success Requests"] == count
        assert gsm8k.common(model, "aime2024")["Success Requests"] == 30


def test_multi_task_search(work: Workspace) -> None:
    """`--search` names the files of all four tasks."""
    ended = work.perf(f"{MULTI} --search")
    assert [row[:2] for row in table(ended.out, "Task Type")[1:]] == [
        ["--models", "vllm_api_general_stream"],
        ["--models", "vllm_api_stream_chat"],
        ["--datasets", "gsm8k_gen_4_shot_cot_str"],
        ["--datasets", "aime2024_gen_0_shot_str"],
    ]


def test_two_tasks_of_one_name(gsm8k: Workspace) -> None:
    """Two data set tasks whose results would overwrite each other are refused instead."""
    ended = gsm8k.perf(
        "--models vllm_api_stream_chat --datasets aime2024_gen_0_shot_str aime2024_gen_0_shot_chat_prompt"
    )
    assert ended.code == 2
    assert "--datasets has 2 items with the abbr 'aime2024'; give each its own" in ended.one_sentence()


def test_custom_lengths(work: Workspace) -> None:
    """The guide's synthetic config, pasted as it is: 1000 requests of 50-500 tokens, answered by 20-200."""
    work.write(SYNTHETIC, pasted("synthetic_config"))
    work.serve(STREAM_CHAT, batch_size=64, ignore_eos=True)
    ended = work.perf("--models  vllm_api_stream_chat --datasets synthetic_gen_string -m perf")
    assert ended.code == 0
    assert ended.common()["Success Requests"] == 1000
    least, most = ended.parameters("Min"), ended.parameters("Max")
    assert 50 <= least["InputTokens"] < 55
    assert 495 < most["InputTokens"] <= 500
    assert 20 <= least["OutputTokens"] < 25
    assert 195 < most["OutputTokens"] <= 200
    assert list((work.run / "performances" / "vllm-api-stream-chat").glob("synthetic*.csv"))


def test_ignore_eos(work: Workspace, quick: Mock) -> None:
    """The guide's short model config, pasted as it is, fills the rest with the defaults."""
    work.write(STREAM_CHAT, pasted("ignore_eos"))
    line = "--models vllm_api_stream_chat --datasets synthetic_gen_string -m perf"
    ended = work.perf(line, "--url", quick.url)
    assert (ended.code, headings(ended)) == (0, ["vllm-api-stream-chat/synthetic"])


def test_the_dumped_config_runs_the_same_again(gsm8k: Workspace) -> None:
    """The config that a run leaves behind, given alone and elsewhere, makes the same plan and measures it."""
    gsm8k.serve(STREAM_CHAT, max_out_len=4)
    gsm8k.write(SYNTHETIC, pasted("synthetic_config").replace("1000", "5"))
    first = gsm8k.perf(
        f"--models vllm_api_stream_chat --datasets {DEMO} synthetic_gen_string --stats P50 --num-warmups 2"
    )
    assert (first.code, first.err) == (0, "")
    (dump,) = (gsm8k.run / "configs").iterdir()
    elsewhere = gsm8k.directory / "elsewhere"
    elsewhere.mkdir()
    again = fastbench_command(elsewhere, "perf", dump, "--no-plot")
    assert (again.code, again.err, headings(again)) == (0, "", headings(first))
    (second,) = elsewhere.glob("outputs/default/*/configs/*.py")
    # Each run draws new words for its prompts.
    ours, theirs = (re.sub("(?m)^fresh_seed = [0-9]+$", "", path.read_text()) for path in (second, dump))
    assert ours == theirs


def test_fixed_request_count(gsm8k: Workspace) -> None:
    """`--num-prompts 1` sends the first row alone, although the demo's config has a range of its own."""
    gsm8k.serve(STREAM_CHAT, max_out_len=4)
    ended = gsm8k.perf(f"--models vllm_api_stream_chat --datasets {DEMO} -m perf --num-prompts 1")
    assert (ended.code, ended.common()["Total Requests"]) == (0, 1)


def test_recalculation(gsm8k: Workspace) -> None:
    """With other columns in default_perf.py the finished run is reported again, its files rewritten, nothing sent."""
    gsm8k.serve(STREAM_CHAT, max_out_len=4)
    assert gsm8k.perf(f"--models vllm_api_stream_chat --datasets {DEMO} --mode perf").code == 0
    gsm8k.write("summarizers/perf/default_perf.py", pasted("default_perf"))
    gsm8k.edit(STREAM_CHAT, host_port=9)
    again = gsm8k.perf(
        f"--models vllm_api_stream_chat --datasets {DEMO} --summarizer default_perf "
        f"--mode perf_viz --pressure --debug --reuse {gsm8k.run.name}"
    )
    assert (again.code, again.err) == (0, "")
    columns = ["Performance Parameters", "Stage", "Average", "Min", "Max", "Median", "P95", "N"]
    assert table(again.out, "Performance Parameters")[0] == columns
    assert gsm8k.columns("vllm-api-stream-chat", "demo_gsm8k") == columns
    assert again.common()["Total Requests"] == 8


def test_latest_run_again(work: Workspace) -> None:
    """`--reuse` without a name takes the latest run, and without tasks reports all of it."""
    work.serve(STREAM_CHAT, max_out_len=4)
    assert work.perf("--models vllm_api_stream_chat --datasets synthetic_gen").code == 0
    again = work.perf("--mode perf_viz --stats P50 -r")
    assert (again.code, headings(again)) == (0, ["vllm-api-stream-chat/synthetic"])
    assert work.columns("vllm-api-stream-chat", "synthetic")[2] == "P50"
