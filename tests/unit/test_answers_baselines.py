"""Baselines: the file, what it keeps, and what is refused."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from nursery import ROOT
from steady_run import steady
from synthetic_comparison import SOUND

import fastbench
from fastbench.answers.baselines import LIMIT, Baseline, decode_baseline, encode_baseline
from fastbench.answers.comparison import AchievedLoad, Distribution, Ratio, RunSummary, Workload
from fastbench.api import remove_baseline, save_baseline, saved_baselines
from fastbench.cli.baseline import baseline_command
from fastbench.errors import RecordingError, UsageError

GOLDEN = ROOT / "tests" / "golden" / "v3"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The steady runs a and b; of b every 20th request is slow."""
    directory = tmp_path_factory.mktemp("recorded")
    steady(directory / "a/performances/m/x_recording", 600)
    steady(directory / "b/performances/m/x_recording", 600, is_slow=lambda number: number % 20 == 0)
    return directory


@pytest.fixture
def work(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with these runs, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).symlink_to(recorded / name)
    return tmp_path


def summary(seed: int = 0, blocks: int = 48, bins: int = 1_800, most: int = 60_000) -> RunSummary:
    """A run with noise in every bin, which hardly compresses."""
    rng = np.random.default_rng(seed)
    distributions = {
        name: Distribution(name, "ms", {"P50": 1.0}, 9, 100, rng.integers(0, most, (blocks, bins)), 0.0, 2.0)
        for name in ("TTFT", "TPOT", "ITL", "E2EL")
    }
    ratios = {"Failed": Ratio("Failed", "", 0.5, rng.random(blocks), rng.random(blocks), higher_is_better=False)}
    return RunSummary(
        label="A",
        source="/home/somebody/run",
        workload=Workload("digest"),
        **SOUND,
        begun="",
        length_s=96.0,
        requests=9,
        ok=9,
        load=AchievedLoad("closed", 4.0),
        output_tokens=3.0,
        input_tokens=10.0,
        cached_share=None,
        config={"load.kind": "closed"},
        distributions=distributions,
        ratios=ratios,
    )


def stored(*runs: RunSummary) -> bytes:
    return encode_baseline(Baseline(name="n", saved="now", fastbench="0", runs=runs))


def test_what_is_saved_is_read_again() -> None:
    """Every field comes back as it was, arrays to the last count; only where it came from is left out."""
    run = summary(blocks=8, bins=40)
    (found,) = decode_baseline(stored(run), "file").runs
    for field in dataclasses.fields(RunSummary):
        if field.name not in ("source", "distributions", "ratios"):
            assert getattr(found, field.name) == getattr(run, field.name)
    assert found.source == ""
    for name, one in run.distributions.items():
        np.testing.assert_array_equal(found.distributions[name].counts, one.counts)
        assert found.distributions[name].counts.dtype == np.int64
        assert (found.distributions[name].first_bin, found.distributions[name].block_s) == (100, 2.0)
    np.testing.assert_array_equal(found.ratios["Failed"].sums, run.ratios["Failed"].sums)


def test_a_file_is_small_whatever_is_in_it() -> None:
    """Noise in 1,800 bins of 48 blocks of four metrics fits 200 kB, as neighbouring blocks are added up."""
    run = summary()
    content = stored(run)
    assert len(content) <= LIMIT
    (found,) = decode_baseline(content, "file").runs
    for name, one in run.distributions.items():
        counts = found.distributions[name].counts
        assert 6 <= counts.shape[0] < 48
        np.testing.assert_array_equal(counts.sum(axis=0), one.counts.sum(axis=0))
        assert found.distributions[name].block_s * counts.shape[0] == pytest.approx(96.0)
    assert found.ratios["Failed"].sizes.sum() == pytest.approx(run.ratios["Failed"].sizes.sum())


def test_an_odd_number_of_blocks_loses_none() -> None:
    """The block that has no neighbour is added to the last pair."""
    run = summary(blocks=13, bins=2_000)
    (found,) = decode_baseline(stored(run), "file").runs
    assert found.distributions["ITL"].counts.shape[0] == 6
    np.testing.assert_array_equal(
        found.distributions["ITL"].counts.sum(axis=0), run.distributions["ITL"].counts.sum(axis=0)
    )


def test_too_many_runs_are_refused() -> None:
    """Runs that do not fit even with the fewest blocks are refused, with a way out."""
    with pytest.raises(UsageError, match=r"a baseline of 9 runs has .* save fewer runs"):
        stored(*(summary(seed, blocks=6) for seed in range(9)))


def _wrong(change: Callable[[dict[str, Any]], None]) -> bytes:
    content = json.loads(stored(summary(blocks=8, bins=40)))
    change(content)
    return json.dumps(content).encode()


def _set_counts(text: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["runs"][0]["distributions"]["ITL"].update(counts=text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no baseline"),
        (b"{}", "is no baseline"),
        (b'{"format": "fastbench-baseline", "version": 2}', "of version 2, and this fastbench reads up to 1"),
        (_wrong(lambda content: content.update(runs=[])), "without a run"),
        (_wrong(lambda content: content["runs"][0].pop("ok")), "missing required field `ok`"),
        (_wrong(_set_counts("8x40:u2:####")), "cannot be unpacked"),
        (_wrong(_set_counts("8x40:u2:AAAA")), "cannot be unpacked"),
        (_wrong(_set_counts("9x9")), "is no baseline"),
        (_wrong(_set_counts("99999x99999:u8:AAAA")), "cannot be"),
        (_wrong(_set_counts("-1x5:u8:AAAA")), "cannot be"),
        (_wrong(_set_counts("8x40:O:AAAA")), "cannot be"),
        (_wrong(lambda content: content["runs"][0]["distributions"]["ITL"].update(first_bin=4_090)), "the bins of ITL"),
        (_wrong(lambda content: content["runs"][0]["distributions"]["ITL"].update(first_bin=-1)), "the bins of ITL"),
        (stored(summary(blocks=8, bins=40))[:-900], "is no baseline"),
    ],
)
def test_what_is_no_baseline_is_refused(content: bytes, said: str) -> None:
    """A file that is damaged, hostile or newer is refused in one sentence that names it."""
    with pytest.raises(RecordingError, match=said) as error:
        decode_baseline(content, "baselines/n.json")
    assert str(error.value).startswith("baselines/n.json")


def test_a_bomb_is_not_unpacked() -> None:
    """What unpacks to more than an array may have is refused without the memory for it."""
    bomb = base64.b64encode(zlib.compress(b"\0" * (1 << 24), 9)).decode()
    with pytest.raises(RecordingError):
        decode_baseline(_wrong(_set_counts(f"8x40:u2:{bomb}")), "file")


def test_a_comparison_with_a_baseline_is_that_with_its_run(work: Path) -> None:
    """Every effect of `compare baseline:a b` is that of `compare a b`, to the last bit."""
    path = fastbench.save_baseline("a", work / "a")
    assert path == Path("baselines/a.json")
    assert path.stat().st_size <= LIMIT
    from_run, from_file = fastbench.compare(work / "a", work / "b"), fastbench.compare("baseline:a", work / "b")
    assert from_file.effects == from_run.effects
    assert from_file.base.source == "baseline:a"
    assert from_file.effects
    assert not from_file.refusals


def test_percentiles_are_kept_exactly(work: Path) -> None:
    """A percentile that a later comparison asks for is not read off bins."""
    fastbench.save_baseline("a", work / "a")
    from_run = fastbench.compare(work / "a", work / "b", stats="P37,P99.9")
    from_file = fastbench.compare("baseline:a", work / "b", stats="P37,P99.9")
    assert from_file.effects == from_run.effects


def test_a_slower_run_is_worse_than_the_baseline(work: Path) -> None:
    """A baseline finds what got slower, with the exit code of a regression."""
    fastbench.save_baseline("a", work / "a")
    steady(work / "c/performances/m/x_recording", 600, is_slow=lambda _: True)
    found = fastbench.compare("baseline:a", work / "c", gate="ttft.p50", run_noise="1%")
    assert (found.verdict, found.code) == ("worse", 3)


def test_several_runs_are_one_baseline(work: Path) -> None:
    """All runs that are named are runs of the one side."""
    fastbench.save_baseline("both", work / "a", [work / "b"])
    found = fastbench.compare("baseline:both", work / "b")
    assert [run.source for run in found.base.runs] == ["baseline:both 1", "baseline:both 2"]


def test_a_baseline_elsewhere(work: Path) -> None:
    """A file is named by its path too, and a directory by `directory=`."""
    path = fastbench.save_baseline("a", work / "a", directory=work / "kept")
    assert fastbench.compare(f"baseline:{path}", work / "b").base.runs[0].ok == 600
    assert [one.path for one in saved_baselines(work / "kept")] == [path]
    assert remove_baseline("a", work / "kept") == path
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "runs", "options", "said"),
    [
        ("../a", ["a"], {}, "is no name of a baseline"),
        ("", ["a"], {}, "is no name of a baseline"),
        ("x", [], {}, "of one run at least"),
        ("x", ["baseline:a"], {}, "is a baseline already"),
        ("x", ["nowhere"], {}, "is not a directory"),
        ("x", ["a"], {"stage": "total", "window": "1s:2s"}, "give one of them"),
        ("x", ["a"], {"window": "soon"}, "--window"),
        ("x", ["a", str(GOLDEN)], {}, "of one workload"),
        ("x", [str(GOLDEN)], {}, "is INVALID, so that no run would be comparable"),
        ("taken", ["a"], {}, "is there already"),
    ],
)
def test_what_is_not_saved(work: Path, name: str, runs: list[str], options: dict[str, Any], said: str) -> None:
    """A wrong name, wrong runs, several workloads, an INVALID run and a name that is taken are refused."""
    save_baseline("taken", "a")
    before = {path.name for path in (work / "baselines").iterdir()}
    with pytest.raises(UsageError, match=said):
        save_baseline(name, *runs, **options)
    assert {path.name for path in (work / "baselines").iterdir()} == before


def test_a_missing_baseline_names_those_that_there_are(work: Path) -> None:
    """`compare baseline:mian` says which there are, and how one is made."""
    with pytest.raises(UsageError, match="there is none yet; save it by fastbench baseline save mian RUN"):
        fastbench.compare("baseline:mian", work / "b")
    save_baseline("main", "a")
    with pytest.raises(UsageError, match="there are main; save it"):
        fastbench.compare("baseline:mian", work / "b")


def command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(baseline_command, list(arguments), standalone_mode=False, catch_exceptions=False)
    return int(result.return_value or 0), result.output


def test_the_commands(work: Path) -> None:
    """save, list and rm say what they did; list tells a file that is none from one that is."""
    assert command("list") == (0, "No baseline in baselines: save one by fastbench baseline save NAME RUN.\n")
    code, said = command("save", "main", "a")
    assert code == 0
    assert said.startswith("baselines/main.json written (")
    assert command("save", "main", "b", "--force")[0] == 0
    code, said = command("list")
    assert code == 0
    head, line = said.splitlines()
    assert head.split()[:3] == ["Baseline", "Saved", "Runs"]
    assert line.split()[0] == "main"
    assert line.split()[3:8] == ["600", "10.0", "ms", "25.0", "ms"]
    (work / "baselines/broken.json").write_text("{}")
    code, said = command("list")
    assert code == 1
    assert "baselines/broken.json is no baseline" in said
    assert command("rm", "main", "broken") == (0, "baselines/main.json removed.\nbaselines/broken.json removed.\n")
    with pytest.raises(UsageError, match="there is no baseline main"):
        command("rm", "main")


def test_a_baseline_of_version_1_is_read() -> None:
    """A file of the first version is read by every later one, with its numbers."""
    path = ROOT / "tests" / "data" / "baseline-v1.json"
    (run,) = decode_baseline(path.read_bytes(), str(path)).runs
    assert (run.ok, run.requests, run.workload.digest) == (62, 68, "ab5139f56d04")
    assert run.distributions["ITL"].points["P99"] == pytest.approx(98.37489)
    assert run.distributions["ITL"].counts.sum() == 2_695
