"""What is asked of a recording, and what is written for continuous integration."""

from __future__ import annotations

from pathlib import Path

import pytest
from steady_run import opened, steady

import fastbench as fb
from fastbench.api import Asking, Checked, gates_of, write_checks
from fastbench.config import build_run
from fastbench.errors import ConfigError, RecordingError, UsageError

SLO = "ttft<20ms@90%"


def test_as_the_run_was_asked(tmp_path: Path) -> None:
    """SLOs, stalls and reading speed come from the recording's header, and from the caller where he gives others."""
    recording = opened(tmp_path / "run", count=60, config={"slo": [SLO], "stall": "1s", "reading_speed": 10})
    asked = Asking().of(recording)
    assert [slo.words() for slo in asked.slos] == ["ttft<20ms for 90 % of requests"]
    assert (asked.stall_ns, asked.speed) == (10**9, 10.0)
    other = Asking(slo=["e2el<1s", "e2el<2s@99.9%"], stall=0.5).of(recording)
    assert [slo.clauses[0].metric for slo in other.slos] == ["e2el", "e2el"]
    assert (other.stall_ns, other.speed) == (500_000_000, 10.0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"slo": "tfft<20ms"}, "did you mean ttft"),
        ({"slo": "ttft<20"}, "no unit"),
        ({"slo": 5}, r"slo= is 5; it must be"),
        ({"stall": "soon"}, r"stall= is 'soon'; it must be a time"),
        ({"reading_speed": 0}, r"reading_speed= is 0; it must be a rate above 0"),
    ],
)
def test_what_cannot_be_asked(tmp_path: Path, asked: dict[str, object], said: str) -> None:
    """A wrong question is a ConfigError that names the keyword, or quotes the SLO."""
    recording = opened(tmp_path / "run", count=60)
    with pytest.raises(ConfigError, match=said):
        fb.compute(recording, **asked)  # type: ignore[arg-type]


def test_in_python(tmp_path: Path) -> None:
    """`compute` has the SLOs, `check` the statements; both say what they found."""
    recording = opened(tmp_path / "run", is_slow=lambda number: number % 20 == 0)
    (found,) = fb.compute(recording, slo="ttft<20ms").slos
    assert (found.good, found.requests, found.met, found.broken) == (1_425, 1_500, False, {"ttft<20ms": 75})
    assert found.interval is not None
    assert found.interval[0] < 0.95 < found.interval[1] < 0.99
    fast, sure, valid = fb.check(recording, "ttft.p99.9<20ms", "failed<0.1%", "verdict=VALID")
    assert (fast.met, fast.value, fast.unit, fast.word) == (None, 25.0, "ms", "cannot tell")
    assert "too few" in fast.why
    assert (sure.met, valid.met) == (True, True)


def test_what_is_between_cannot_be_told(tmp_path: Path) -> None:
    """An SLO whose share lies within the interval, and one of a short run, are neither met nor not met."""
    recording = opened(tmp_path / "long", is_slow=lambda number: number % 20 == 0)
    (found,) = fb.compute(recording, slo="ttft<20ms@95%").slos
    assert (found.met, found.why) == (None, "the share asked for lies within the interval: send more requests")
    (short,) = fb.compute(opened(tmp_path / "short", count=40), slo="ttft<20ms").slos
    assert short.met is None
    assert short.why == (
        "too short to tell, as it takes 6 blocks of time that do not depend on each other: send for 12 s or longer "
        "(--duration, --num-prompts)"
    )


def test_without_streams(tmp_path: Path) -> None:
    """Of a run that did not stream an SLO about the first token cannot be told; an assertion about it is refused."""
    recording = opened(tmp_path / "run", stream=False)
    (found,) = fb.compute(recording, slo="ttft<20ms").slos
    assert (found.met, found.interval) == (None, None)
    assert "needs the moments of a stream" in found.why
    with pytest.raises(UsageError, match=r"'ttft.p99<1s' is about ttft, which this run does not have"):
        fb.check(recording, "ttft.p99<1s")
    service = {"type": "openai_chat", "url": "http://h:8000", "stream": False}
    run = build_run({"models": [service], "datasets": [{"type": "synthetic", "input_len": 8, "count": 9}]}, "test")
    with pytest.raises(UsageError, match="the run will not have"):
        gates_of(["ttft.p99<1s"], run)
    assert gates_of(["e2el.p99<1s"], run)


def test_the_columns_of_exports(tmp_path: Path) -> None:
    """Exports say of each request whether it is good, by each SLO of the run that can be told."""
    config = {"slo": ["ttft<20ms", "e2el<1ms"]}
    run = opened(tmp_path / "run", count=60, is_slow=lambda number: number == 7, config=config)
    lines = fb.export(run, tmp_path / "requests.csv").read_text().splitlines()
    place = lines[0].split(",").index("good")
    assert [line.split(",")[place] for line in lines[1:]] == ["0" if number == 7 else "1" for number in range(60)]
    assert lines[0].split(",")[place + 1] == "good_2"
    blind = opened(tmp_path / "blind", count=60, stream=False, config=config)
    assert "good" not in fb.export(blind, tmp_path / "blind.csv").read_text().splitlines()[0].split(",")


def test_the_summary_of_a_job(tmp_path: Path) -> None:
    """The summary is appended to the file that the environment names, where something was asked, and not else."""
    metrics = fb.compute(opened(tmp_path / "run", count=60), slo="ttft<20ms")
    job = tmp_path / "job.md"
    job.write_text("before\n")
    environment = {"GITHUB_STEP_SUMMARY": str(job)}
    write_checks([Checked("m/d", fb.compute(opened(tmp_path / "plain", count=60)))], None, None, environment)
    assert job.read_text() == "before\n"
    write_checks([Checked("m/d", metrics)], None, str(tmp_path / "own.md"), environment)
    assert job.read_text() == "before\n" + (tmp_path / "own.md").read_text()
    with pytest.raises(RecordingError, match=r"GITHUB_STEP_SUMMARY\) cannot be written"):
        write_checks([Checked("m/d", metrics)], None, None, {"GITHUB_STEP_SUMMARY": str(tmp_path)})


def test_what_is_shown(tmp_path: Path) -> None:
    """A result, its summary, its page and a notebook show whether the SLO is met; its figures how sure they are."""
    asked = {"slo": ["ttft<20ms"], "stall": "1s", "reading_speed": 10}
    steady(tmp_path / "m/a_recording", is_slow=lambda number: number % 20 == 0, config=asked)
    (result,) = fb.runs(tmp_path)
    assert result.slos[0].good == 1_425
    assert [one.met for one in result.check("ttft.p99<30ms", "ttft.p99<20ms")] == [True, False]
    (line,) = [line for line in str(result).splitlines() if "SLO" in line]
    assert line == "  ✘ SLO not met         1,425 of 1,500 good (95.0 %, 95 % interval 93.8\N{EN DASH}96.0 %)"
    assert "first to break: ttft<20ms 75" in str(result)
    html = result._repr_html_()
    assert "<td>1,425 of 1,500 (95.0 %)</td>" in html
    assert "0 stalls of 1.00 s or more in 0 of 1,500 streams (0 %)." in html
    page = next(path for path in result.report(tmp_path / "out") if path.suffix == ".html").read_text()
    assert 'href="#slo">✗ SLO not met</a>' in page
    assert "<section id=slo>" in page
    low, high = result["TTFT"].interval("Average")  # type: ignore[misc]  # the run is long enough
    assert low < 10.75 < high
    assert result["TTFT"].intervals["Median"] == (10.0, 10.0)
    with pytest.raises(KeyError, match="TTFT has no P50"):
        result["TTFT"].interval("P50")
