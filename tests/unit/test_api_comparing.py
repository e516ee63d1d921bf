"""`fastbench.compare` of recordings on disk, and the files of a comparison."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from recordings import MS, Request, header_of, record
from steady_run import steady

import fastbench
from fastbench.api import comparison_lines, write_comparison
from fastbench.errors import NotARunError, UsageError
from fastbench.report import plain

PLACE = "performances/mock/synthetic_recording"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two work dirs of runs: those of `same` are alike, in those of `slow` each third first token comes 15 ms later."""
    directory = tmp_path_factory.mktemp("work")
    for number in range(3):
        steady(directory / "same" / f"20261124_07344{number}" / PLACE, 600)
        steady(directory / "slow" / f"20261124_08344{number}" / PLACE, 600, is_slow=lambda request: request % 3 == 0)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def found(work: Path) -> fastbench.Comparison:
    """The work dirs, compared."""
    return fastbench.compare(work / "same", work / "slow", gate="ttft.p90,e2el.p50")


def test_work_dirs_are_sides_of_several_runs(found: fastbench.Comparison) -> None:
    """All runs of a work dir are runs of its side; what is slower in each of them is worse."""
    assert [len(side.runs) for side in found.sides] == [3, 3]
    ttft, e2el = found.versus[0].effect("TTFT", "P90"), found.versus[0].effect("E2EL", "P50")
    assert (ttft.a, ttft.b, ttft.verdict) == (pytest.approx(10), pytest.approx(25), "worse")
    assert (e2el.change, e2el.verdict) == (pytest.approx(0), "not worse")
    assert (found.code, found.verdict) == (3, "worse")
    assert found.sentence.startswith("B's TTFT p90 is 150 % worse (95 %: 150 … 150 %)")


def test_one_run_is_compared_with_one(work: Path) -> None:
    """A run directory, its recording and a list of paths are sides too, with labels of their own."""
    run = work / "same" / "20261124_073440"
    slow = [work / "slow" / "20261124_083440" / PLACE]
    found = fastbench.compare(run, slow, labels=["before", "after"], run_noise=0.0, gate="ttft.p90")
    assert [side.label for side in found.sides] == ["before", "after"]
    assert found.sentence.startswith("after's TTFT p90 is 150 % worse")


def test_a_result_is_a_side(work: Path) -> None:
    """What `fastbench.runs` gives can be compared."""
    (first,) = fastbench.runs(work / "same" / "20261124_073440")
    (second,) = fastbench.runs(work / "same" / "20261124_073441")
    assert fastbench.compare(first, second, run_noise="1%").refusals == ()


def test_the_point_estimates_are_those_of_the_report(work: Path) -> None:
    """A percentile of a comparison is that of the report to the last bit, also one that is asked for."""
    path = work / "slow" / "20261124_083440" / PLACE
    found = fastbench.compare(work / "same" / "20261124_073440", path, stats="P50,P95", anyway=True)
    numbers = {row.name: row.values for row in fastbench.compute(fastbench.open(path), ["P50", "P95"]).parameters}
    for name in ("TTFT", "TPOT", "ITL", "E2EL"):
        run = found.versus[0].other.runs[0]
        for statistic in ("P50", "P95"):
            assert run.distributions[name].points[statistic] == numbers[name][statistic]
            assert found.versus[0].effect(name, statistic).b == pytest.approx(numbers[name][statistic])


def test_reasoning_and_the_second_token_are_compared(tmp_path: Path) -> None:
    """First answer token, thinking time and second token are compared like other latencies, where both sides have
    them."""
    for name, later in (("a", 0), ("b", 20)):
        requests = [
            Request(
                number,
                (1_000 + 100 * number) * MS,
                tuple((1_000 + 100 * number + at) * MS for at in (10, 10 + 5 + later, 40 + later, 50 + later)),
                (1_060 + 100 * number + later) * MS,
                flags=("stream", "kernel", "reasoning"),
                more=(("answer_ns", (1_040 + 100 * number + later) * MS),),
            )
            for number in range(30)
        ]
        record(tmp_path / name / PLACE, requests)
    (versus,) = fastbench.compare(tmp_path / "a", tmp_path / "b", anyway=True).versus
    found = {name: versus.effect(name, "P50") for name in ("First Answer Token", "Thinking Time", "Second Token")}
    assert {name: (effect.a, effect.b) for name, effect in found.items()} == {
        "First Answer Token": (pytest.approx(40), pytest.approx(60)),
        "Thinking Time": (pytest.approx(30), pytest.approx(50)),
        "Second Token": (pytest.approx(5), pytest.approx(25)),
    }
    assert not any(effect.gate for effect in found.values())


def test_histories_are_found(work: Path) -> None:
    """Earlier runs of the work dir tell how much runs differ: these do not, so that one run a side is enough."""
    for number in range(2, 5):
        # The two that are compared come first, so that the others are read as history.
        steady(work / "history" / f"20261124_07344{number}" / PLACE, 600)
    first, second = (work / "history" / f"20261124_07344{number}" for number in range(2))
    steady(first / PLACE, 600)
    steady(second / PLACE, 600, is_slow=lambda request: request % 3 == 0)
    found = fastbench.compare(first, second, gate="ttft.p90")
    assert found.code == 3
    assert any("earlier runs" in note for note in found.notes)


def test_the_same_run_twice(work: Path) -> None:
    """One directory named twice is refused, however it is written."""
    run = work / "same" / "20261124_073440"
    found = fastbench.compare(run, run / PLACE)
    assert (found.code, len(found.refusals)) == (4, 1)
    assert "they are the same run" in found.sentence


def test_more_than_two_need_a_base(work: Path) -> None:
    """Three sides without a base are not comparable; with one the others are compared with it."""
    sides = [work / "same" / "20261124_073440", work / "same" / "20261124_073441", work / "slow" / "20261124_083440"]
    refused = fastbench.compare(*sides)
    assert (refused.code, len(refused.versus)) == (4, 2)
    assert "name it by --base" in refused.sentence
    for base in ("B", sides[1]):
        found = fastbench.compare(*sides, base=base, run_noise=0.0, gate="ttft.p90")
        assert found.base.label == "B"
        assert [one.other.label for one in found.versus] == ["A", "C"]
        assert [one.verdict for one in found.versus] == ["not worse", "worse"]
    with pytest.raises(UsageError, match="none of the sides"):
        fastbench.compare(*sides, base="D")


def test_a_crashed_run(work: Path, tmp_path: Path) -> None:
    """A recording that was cut in its last block is not comparable."""
    whole = steady(tmp_path / "20261124_073440" / PLACE, 600)
    file = whole / "requests.fbr"
    file.write_bytes(file.read_bytes()[: -file.stat().st_size // 4])
    found = fastbench.compare(work / "same" / "20261124_073440", whole)
    assert found.code == 4
    assert "B is not whole: its recording has no end" in found.sentence


def test_a_side_without_a_success(work: Path, tmp_path: Path) -> None:
    """It is said, and nothing is computed, also if it is asked for anyway."""
    failed = steady(tmp_path / PLACE, 600, is_failed=lambda _: True)
    found = fastbench.compare(work / "same" / "20261124_073440", failed, anyway=True)
    assert (found.code, found.effects) == (4, ())
    assert "B has no successful request" in found.sentence


def test_one_that_did_not_stream(work: Path, tmp_path: Path) -> None:
    """It has no TTFT; asked for anyway, E2EL is compared."""
    whole = steady(tmp_path / PLACE, 600, stream=False)
    found = fastbench.compare(work / "same" / "20261124_073440", whole)
    assert "A was streamed and B was not" in found.sentence
    anyway = fastbench.compare(work / "same" / "20261124_073440", whole, anyway=True)
    assert {effect.name for effect in anyway.effects} >= {"E2EL"}
    assert "TTFT" not in {effect.name for effect in anyway.effects}


def test_an_older_format(work: Path) -> None:
    """A recording of format 1 is not compared with one of another."""
    golden = Path(__file__).parents[1] / "golden"
    found = fastbench.compare(golden / "v1", golden / "v3")
    assert found.code == 4
    assert any("A is a recording of format 1 and B of format 3" in reason for reason in found.refusals)


def test_other_workloads_are_left_out(tmp_path: Path) -> None:
    """Of a run with two data sets that one counts that both sides have; of two in common one must be named."""
    for side in ("a", "b"):
        steady(tmp_path / side / "performances/mock/synthetic_recording", 600)
    request = Request(0, 1_000 * MS)
    other = header_of(task={"dataset": "other"})
    record(tmp_path / "b" / "performances/mock/other_recording", [request], header=other)
    found = fastbench.compare(tmp_path / "a", tmp_path / "b", run_noise=0.01)
    assert (len(found.base.runs), len(found.versus[0].other.runs)) == (1, 1)
    assert any("left out" in note for note in found.notes)
    record(tmp_path / "a" / "performances/mock/other_recording", [request], header=other)
    with pytest.raises(UsageError, match="2 workloads in common"):
        fastbench.compare(tmp_path / "a", tmp_path / "b")


def test_goodput(work: Path) -> None:
    """With an SLO the share of good requests and the goodput are compared."""
    found = fastbench.compare(work / "same", work / "slow", slo="ttft<20ms", gate=["good", "goodput"])
    good, goodput = found.versus[0].effect("Good"), found.versus[0].effect("Goodput")
    assert good.change == pytest.approx(-1 / 3)
    assert good.in_points
    assert (good.verdict, goodput.verdict) == ("worse", "worse")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"stats": "Average"}, "is of percentiles"),
        ({"gate": "ttfp.p99"}, "did you mean ttft"),
        ({"tolerance": "much"}, "--tolerance much is not a share"),
        ({"tolerance": 3}, "--tolerance 3 is not a share"),
        ({"run_noise": "-1%"}, "--run-noise -1% is not a share"),
        ({"labels": ["same", "same"]}, "2 different labels"),
        ({"labels": {"Z": "x"}}, "the label Z=x is of no side"),
        ({"stage": "stable", "window": "1s:2s"}, "--stage and --window"),
        ({"window": "x"}, "--window"),
    ],
)
def test_what_cannot_be_asked(work: Path, settings: dict[str, object], told: str) -> None:
    """Wrong settings are refused before anything is read."""
    with pytest.raises(UsageError, match=told):
        fastbench.compare(work / "same", work / "slow", **settings)  # type: ignore[arg-type]  # that is the point


def test_what_is_no_side(work: Path, tmp_path: Path) -> None:
    """One side is none, a directory without a recording is named."""
    with pytest.raises(UsageError, match="two sides at least"):
        fastbench.compare(work / "same")
    with pytest.raises(NotARunError, match="holds no recording"):
        fastbench.compare(work / "same", tmp_path)
    with pytest.raises(UsageError, match="a side is of type int"):
        fastbench.compare(work / "same", 5)  # type: ignore[arg-type]  # that is the point


def test_the_screen(found: fastbench.Comparison) -> None:
    """No line is wider than 80 columns; the answer comes first, each number has a row, one that decides an asterisk."""
    text = plain(comparison_lines(found, 80))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert text.startswith("B's TTFT p90 is 150 % worse")
    (row,) = [line for line in lines if "TTFT p90*" in line]
    assert row.split()[:8] == ["✘", "TTFT", "p90*", "10.0", "ms", "25.0", "ms", "+150"]
    assert all(f"{name} p{percent}" in text for name in ("TTFT", "TPOT", "ITL", "E2EL") for percent in (50, 90, 99))


def test_the_files(found: fastbench.Comparison, tmp_path: Path) -> None:
    """JUnit has a case for each metric that decides, JSON all numbers, Markdown the table; the job's summary too."""
    names = {name: str(tmp_path / name) for name in ("junit", "summary", "markdown", "json")}
    job = tmp_path / "job"
    write_comparison(found, **names, environment={"GITHUB_STEP_SUMMARY": str(job)})
    cases = {case.get("name"): case for case in ElementTree.parse(names["junit"]).iter("testcase")}
    assert set(cases) == {"TTFT p90", "E2EL p50"}
    assert cases["TTFT p90"].find("failure") is not None
    assert cases["E2EL p50"].find("failure") is None
    told = json.loads(Path(names["json"]).read_text())
    assert (told["code"], told["verdict"], told["sentence"]) == (3, "worse", found.sentence)
    effects = {effect["key"]: effect for effect in told["versus"][0]["effects"]}
    assert effects["ttft.p90"]["change"] == pytest.approx(1.5)
    markdown = Path(names["markdown"]).read_text()
    assert "| TTFT p90\\* | 10.0 ms | 25.0 ms |" in markdown
    assert markdown == Path(names["summary"]).read_text() == job.read_text()


def test_the_junit_of_a_refusal(work: Path, tmp_path: Path) -> None:
    """What is not comparable is one error."""
    run = work / "same" / "20261124_073440"
    file = tmp_path / "junit.xml"
    write_comparison(fastbench.compare(run, run), junit=str(file), environment={})
    (case,) = ElementTree.parse(file).iter("testcase")
    assert case.find("error") is not None
