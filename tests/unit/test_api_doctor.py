"""The checks of `fastbench doctor`: what is read of the system, and what is made of it."""

from __future__ import annotations

import errno
import resource
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nursery import ROOT
from test_docs_cli import rows_of

from fastbench import compute, open
from fastbench.api.doctor import Check, State, Wanted, code_of_checks, examine
from fastbench.api.doctor.load import noise, of_load, priority, stamps, trial
from fastbench.api.doctor.machine import accepting, build, clock, memory, open_files, ports, processors, results
from fastbench.api.doctor.service import of_service, streaming, usage
from fastbench.api.doctor.system import Quota, Ticks, cpu_quota, free_memory, local_ports
from fastbench.metrics.model import Reason, Verdict
from fastbench.options import Options
from fastbench.run import Stop

NAMES = [row[0] for row in rows_of(ROOT / "docs/doctor.md", "Can this machine measure?")]


def system(root: Path, **files: str) -> Path:
    """A root directory with files of the system; in their names __ is for / and _0_ for a point."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_0_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_quota_is_the_tightest_of_all_groups(tmp_path: Path) -> None:
    """Of nested control groups the one with the least processor time counts, with how often it stopped processes."""
    root = system(
        tmp_path,
        proc__self__cgroup="0::/pod/own\n",
        sys__fs__cgroup__pod__own__cpu_0_max="max 100000\n",
        sys__fs__cgroup__pod__cpu_0_max="150000 100000\n",
        sys__fs__cgroup__pod__cpu_0_stat="nr_periods 9\nnr_throttled 4\n",
        sys__fs__cgroup__cpu_0_max="400000 100000\n",
    )
    assert cpu_quota(root) == Quota(1.5, 4)


@pytest.mark.parametrize(("quota", "found"), [("50000", Quota(0.5, None)), ("-1", None)])
def test_a_quota_of_the_first_version(tmp_path: Path, quota: str, found: Quota | None) -> None:
    """Control groups of version 1 have quota and period in files of their own, and -1 for no limit."""
    root = system(
        tmp_path,
        proc__self__cgroup="3:cpu,cpuacct:/own\n2:memory:/\n",
        sys__fs__cgroup__cpu__own__cpu_0_cfs_quota_us=quota,
        sys__fs__cgroup__cpu__own__cpu_0_cfs_period_us="100000",
    )
    assert cpu_quota(root) == found


def test_free_memory_is_what_the_group_leaves(tmp_path: Path) -> None:
    """A control group's limit goes before what the machine has, and pages of files that were read count as free."""
    root = system(
        tmp_path,
        proc__meminfo="MemTotal: 9000 kB\nMemAvailable: 8000 kB\n",
        proc__self__cgroup="0::/\n",
        sys__fs__cgroup__memory_0_max="4000000",
        sys__fs__cgroup__memory_0_current="3000000",
        sys__fs__cgroup__memory_0_stat="inactive_file 500000\n",
    )
    assert free_memory(root) == 1_500_000


def test_a_system_that_tells_nothing(tmp_path: Path) -> None:
    """Where the files are missing nothing is known, and that is no fault."""
    assert (cpu_quota(tmp_path), free_memory(tmp_path), local_ports(tmp_path)) == (None, None, None)
    assert memory(Wanted(), None).state is State.OK
    assert ports(Wanted(), None).state is State.OK


CLIENT: Any = compute(open(ROOT / "tests/golden/v3/performances/mock/golden_recording")).client
OUTPUT: Any = compute(open(ROOT / "tests/golden/v3/performances/mock/golden_recording")).output
QUIET = msgspec.structs.replace(CLIENT, reads=10, unstamped_reads=0, stalls=0, real_time_share=1.0)
STREAM = msgspec.structs.replace(OUTPUT, events=32, shared_share=0.0, output_sources={"usage": 2})


def client(**values: Any) -> Any:
    return msgspec.structs.replace(QUIET, **values)


def output(**values: Any) -> Any:
    return msgspec.structs.replace(STREAM, **values)


@pytest.mark.parametrize(
    ("check", "state"),
    [
        (build(30.0), "ok"),
        (build(800.0), "warning"),
        (processors(2, None), "ok"),
        (processors(2, Quota(2.0, 0)), "ok"),
        (processors(1, None), "warning"),
        (processors(4, Quota(0.5, 17)), "warning"),
        (clock("tsc", 60.0, 20.0), "ok"),
        (clock("hpet", 60.0, 20.0), "warning"),
        (clock("tsc", 900.0, 20.0), "warning"),
        (clock("tsc", 60.0, 4_000_000.0), "fails"),
        (ports(Wanted(100), 28_000), "ok"),
        (ports(Wanted(20_000), 28_000), "warning"),
        (ports(Wanted(30_000), 28_000), "fails"),
        (memory(Wanted(), 1 << 30), "ok"),
        (memory(Wanted(), 200 << 20), "warning"),
        (memory(Wanted(), 100 << 20), "fails"),
        (accepting(Wanted(100), 128), "ok"),
        (accepting(Wanted(200), 128), "warning"),
        (stamps(client(), "here"), "ok"),
        (stamps(client(unstamped_reads=1), "here"), "warning"),
        (stamps(client(unstamped_reads=10), "here"), "fails"),
        (priority(client()), "ok"),
        (priority(client(real_time_share=0.0)), "warning"),
        (priority(client(real_time_share=None)), "warning"),
        (noise(client(), Ticks(0, 0), Ticks(0, 200)), "ok"),
        (noise(client(stalls=1), Ticks(0, 0), Ticks(0, 200)), "warning"),
        (noise(client(), Ticks(5, 0), Ticks(9, 200)), "warning"),
        (streaming(output(), 2, asked=True), "ok"),
        (streaming(output(events=2), 2, asked=True), "warning"),
        (streaming(output(shared_share=0.9), 2, asked=True), "warning"),
        (streaming(output(events=2), 2, asked=False), "ok"),
        (usage(output()), "ok"),
        (usage(output(output_sources={"events": 2})), "warning"),
    ],
)
def test_how_a_check_stands(check: Check, state: str) -> None:
    """A check stands as its figures are, has a remedy exactly where it is not ok, and is one of the page's."""
    assert check.state == state, check
    assert bool(check.remedy) == (state != "ok")
    assert check.name in NAMES


GOLDEN: Any = compute(open(ROOT / "tests/golden/v3/performances/mock/golden_recording"))
SHORT_TIMES = Reason("TTFT P90 may be anything from 6.2026 to 6.2658 ms", "the client stood still", "move")


def trial_of(*reasons: Reason, **effect: Any) -> Check:
    """Of a run with a TTFT of 6.2658 ms that may be 0.0632 ms less, and with these reasons."""
    values = dict.fromkeys(("Average", "Median", "P90", "P99"), 6.2658)
    row = msgspec.structs.replace(
        GOLDEN.parameters[0], name="TTFT", values=values, unsure=("P90",), bounds={"P90": (6.2026, 6.2658)}
    )
    effects = msgspec.structs.replace(GOLDEN.effect, **{"lateness_ms": 0.1, **effect})
    verdict, load = Verdict(not reasons, reasons), msgspec.structs.replace(GOLDEN.load, kind="open")
    return trial(msgspec.structs.replace(GOLDEN, parameters=(row,), effect=effects, verdict=verdict, load=load))


def test_a_trial_of_times_that_are_too_short() -> None:
    """A trial that is INVALID for the length of its own times alone warns, and says which can be measured; with any
    other reason it fails."""
    short = trial_of(SHORT_TIMES)
    assert (short.state, short.figures["verdict"]) == (State.WARNING, "INVALID")
    assert short.found.endswith("times below 6.32 ms uncertain by over 1 %")
    assert "the client stood still: move." in short.remedy
    late = Reason("Requests were sent late", "no processor", "move")
    assert trial_of(SHORT_TIMES, late, lateness_ms=1.5).found.endswith("times below 150 ms uncertain by over 1 %")
    assert trial_of(SHORT_TIMES, late, lateness_ms=150.0).state is State.FAILS
    assert trial_of(SHORT_TIMES, Reason("3 requests were dropped", "why", "do")).state is State.FAILS


def test_too_few_open_files() -> None:
    """More connections than the hard limit allows fail with the sentence that a run would end with."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert open_files(Wanted(1)).state is State.OK
    if hard != resource.RLIM_INFINITY:
        check = open_files(Wanted(hard))
        assert check.state is State.FAILS
        assert "raise the hard limit" in check.remedy


def test_where_results_go(tmp_path: Path) -> None:
    """A directory that is not there yet is fine and is not made; what is a file, or has no room, fails."""
    new = tmp_path / "new/one"
    assert results(Wanted(work_dir=new)).state is State.OK
    assert not new.parent.exists()
    (tmp_path / "file").write_text("")
    assert results(Wanted(work_dir=tmp_path / "file")).state is State.FAILS
    assert results(Wanted(work_dir=tmp_path, requests=10**9, output_len=10**6)).state is State.FAILS


def test_no_directory_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a root that is read-only, without a /tmp, the trial says what to set, and the other checks go on."""

    def refuse(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/']")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    (check,) = of_load(Stop())
    assert (check.name, check.state) == ("Trial", State.FAILS)
    assert check.remedy.startswith("no directory for temporary files can be written (No usable temporary directory")
    assert check.remedy.endswith("name one by TMPDIR")


def test_a_service_that_is_not_there() -> None:
    """Where no connection is taken nothing else is asked, and the remedy says what to look at."""
    (check,) = of_service(Options({"url": "http://127.0.0.1:9"}), Stop())
    assert (check.name, check.state) == ("Connection", State.FAILS)
    assert "that the service runs" in check.remedy
    assert code_of_checks([check]) == 1


@pytest.mark.slow
def test_all_of_them(tmp_path: Path) -> None:
    """With a service each check of the page is made once but that of the mock, in the page's order, and none fails but
    for a machine that is busy."""
    from fastbench.mock import Mock

    with Mock(ttft_ms=5, itl_ms=5) as mock:
        checks = list(examine(Wanted(work_dir=tmp_path), Options({"url": mock.url}), Stop()))
    assert [check.name for check in checks] == [name for name in NAMES if name != "Mock's backlog"]
    assert {check.name for check in checks if check.state is State.FAILS} <= {"Trial"}
    found = {check.name: check.figures for check in checks}
    assert found["Requests"]["model"] == "mock"
    assert found["Streaming"]["events_per_reply"] == 16
    assert found["Service stamps"]["unstamped_reads"] == 0
