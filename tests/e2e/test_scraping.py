"""`--service-metrics` and `--spec-decode`, from the command to the files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from nursery import Mock
from running import Ended, fastbench_command, perf, table, write_config

LOAD = ("--concurrency", 4, "--num-prompts", 40, "--input-len", 16, "--output-len", 30, "-q")
SERVICE = (
    *("--mock", "--mock-option", "ttft_ms=20", "--mock-option", "itl_ms=5", "--mock-option", "max_num_seqs=8"),
    *("--mock-option", "spec_accept=0.7", "--mock-option", "prefix_hits=0.5"),
)


def figures(ended: Ended) -> dict[str, str]:
    return {row[0]: row[1] for row in table(ended.out, "Service Metric")[1:]}


def block(out: str) -> Sequence[str]:
    """The lines of the only block of speculative decoding, without its title."""
    _, found, rest = out.partition("========== Speculative Decoding Metrics")
    assert found
    return [line for line in rest.splitlines()[1:] if line[44:46] == "  " or line[:45].strip() in ("Status", "Reason")]


def drafts_of(ended: Ended) -> int:
    """The drafts that the tokens between the first and the last scrape took: each gave 2.4 of them."""
    tokens = [scrape.value("generated_tokens") or 0.0 for scrape in ended.recording.scrapes]
    return int(max(tokens) / 2.4) - int(min(tokens) / 2.4)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A run that asks for all there is."""
    directory = tmp_path_factory.mktemp("service_metrics")
    done = perf(directory, *SERVICE, *LOAD, "--service-metrics", "100ms", "--spec-decode")
    assert done.code == 0, done.err
    return done


def test_the_service_agrees_with_the_client(ended: Ended) -> None:
    """What the service counted in the measurement is what the client received, and no warm-up."""
    told = figures(ended)
    assert told["Generated Tokens"].split()[0] == "1200"
    assert (told["Prefix Cache Hit Rate"], told["Preemptions"]) == ("50.0000 %", "0")
    assert told["Requests Running"].endswith("Max 4")
    assert told["KV Cache Use"].endswith("Max 50.0000 %")


def test_the_series_lie_beside_the_requests(ended: Ended) -> None:
    """The file has the figures from before the first request until after the last one."""
    (path,) = ended.run.glob("performances/*/*_service.json")
    content = json.loads(path.read_bytes())
    series = content["series"]
    assert content["service"]["failed"] == 0
    assert len(series["t_s"]) == content["service"]["scrapes"] >= 6
    assert series["t_s"] == sorted(series["t_s"])
    assert series["t_s"][0] < 0 < series["t_s"][-1]
    assert max(series["requests_running"]) == 4
    assert series["generated_tokens"][0] < 30  # before the warm-up
    assert series["generated_tokens"][-1] - series["generated_tokens"][0] == 1230


def test_speculative_decoding(ended: Ended) -> None:
    """The block and the file count all from before the warm-up until after the run."""
    (path,) = ended.run.glob("performances/spec_decode_127.0.0.1_*.json")
    content = json.loads(path.read_bytes())
    assert (content["status"], content["error"]) == ("ok", None)
    assert content["data"]["acceptance_rate"] == pytest.approx(70, abs=0.5)
    assert content["data"]["num_drafts"] == drafts_of(ended)
    lines = {line[:45].strip(): line[46:] for line in block(ended.out)}
    assert float(lines["Acceptance rate (%)"]) == pytest.approx(content["data"]["acceptance_rate"], abs=1e-4)
    assert lines["Drafts"] == str(content["data"]["num_drafts"])


def test_recalc_gives_the_same(ended: Ended) -> None:
    """The files come again, byte for byte, from the recording alone."""
    paths = [*ended.run.glob("performances/spec_decode_*.json"), *ended.run.glob("performances/*/*_service.json")]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    again = fastbench_command(ended.run, "recalc", ended.run, "--no-plot")
    assert again.code == 0, again.err
    assert [path.read_bytes() for path in paths] == before
    assert (figures(again), block(again.out)) == (figures(ended), block(ended.out))


def test_two_data_sets_are_one_file(tmp_path: Path) -> None:
    """A service that two tasks ask has one block and one file, from before the first to after the last task; the report
    of a part of the run leaves that file alone."""
    with Mock(spec_accept=0.5) as mock:
        model = {"type": "openai_chat", "abbr": "m", "url": mock.url, "model": "mock", "max_out_len": 20}
        lengths = {"count": 10, "input_len": 8, "output_len": 20}
        datasets = [{"type": "synthetic", "abbr": name, **lengths} for name in ("a", "b")]
        config = write_config(tmp_path, models=[model], datasets=datasets, spec_decode=True, num_warmups=0)
        done = perf(tmp_path, config, "-q")
    assert done.code == 0, done.err
    (path,) = done.run.glob("performances/spec_decode_*.json")
    content = path.read_bytes()
    assert json.loads(content)["data"]["num_drafts"] == 200
    assert done.out.count("Speculative Decoding Metrics") == 1
    part = fastbench_command(tmp_path, "recalc", done.run / "performances" / "m" / "a_recording")
    assert "Drafts                                        100" in part.out
    assert path.read_bytes() == content


def test_workers_look_together(tmp_path: Path) -> None:
    """However the requests fall to several workers, the looks enclose the measurement of all of them."""
    done = perf(tmp_path, *SERVICE, *LOAD, "--service-metrics", "100ms", "--spec-decode", "--workers", 2)
    assert done.code == 0, done.err
    assert figures(done)["Generated Tokens"].split()[0] == "1200"
    (path,) = done.run.glob("performances/spec_decode_*.json")
    assert json.loads(path.read_bytes())["data"]["num_drafts"] == drafts_of(done)
    (path,) = done.run.glob("performances/*/*_service.json")
    moments = json.loads(path.read_bytes())["series"]["t_s"]
    assert moments == sorted(moments)


def test_a_service_without_metrics(tmp_path: Path) -> None:
    """A service whose page tells nothing of drafts costs the run nothing; the block and the file say why."""
    done = perf(tmp_path, "--mock", *LOAD, "--num-prompts", 8, "--spec-decode")
    assert done.code == 0, done.err
    reason = "the metrics page has no counters of speculative decoding"
    assert [line[46:] for line in block(done.out)] == ["N/A", reason]
    (path,) = done.run.glob("performances/spec_decode_*.json")
    assert json.loads(path.read_bytes())["error"] == reason


def test_nothing_is_asked_unless_it_is_asked_for(tmp_path: Path) -> None:
    """A run without the options has no scrape in its recording, and no table of the service's."""
    done = perf(tmp_path, "--mock", *LOAD, "--num-prompts", 8)
    assert list(done.recording.scrapes) == []
    assert "Service Metric" not in done.out + "".join(path.name for path in done.run.glob("performances/*/*"))


@pytest.mark.parametrize("value", ["10ms", "often"])
def test_an_interval_that_is_none(tmp_path: Path, value: str) -> None:
    """Too short an interval, or one that is none, is told with what is allowed."""
    done = perf(tmp_path, "--mock", *LOAD, f"--service-metrics={value}")
    assert done.code == 2
    assert f"--service-metrics is {value!r}; it must be a time of at least 0.1 s" in done.one_sentence()
