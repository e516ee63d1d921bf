"""The live view in a real terminal: keys, pages, pause, sizes, Ctrl-C, and a second terminal that looks on."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from nursery import Mock
from running import LIMIT_S, fastbench_command
from terminals import DOWN, ENTER, LEAVE, UP, OnTerminal

LOAD = ("--input-len", 8, "--output-len", 20, "--num-prompts", 4000, "--concurrency", 4, "--num-warmups", 0)


@pytest.fixture(scope="module")
def slow() -> Iterator[Mock]:
    """A service that leaves time to look."""
    with Mock(ttft_ms=100, itl_ms=5, seed=1) as mock:
        yield mock


def perf(directory: Path, mock: Mock, *arguments: str | int | Path) -> tuple[str | int | Path, ...]:
    return ("perf", "-w", directory / "out", "--url", mock.url, "--no-plot", *(arguments or LOAD))


def several(directory: Path, mock: Mock, count: int, **more: object) -> Path:
    """A config of some tasks, the first of which lasts."""
    datasets = [
        {"type": "synthetic", "abbr": f"d{place}", "count": 4000, "input_len": 8, "output_len": 20}
        for place in range(count)
    ]
    path = directory / "run.py"
    model = {"type": "openai_chat", "abbr": "m", "url": mock.url, "batch_size": 4}
    settings = "".join(f"{name} = {value!r}\n" for name, value in more.items())
    path.write_text(f"models = [{model}]\ndatasets = {datasets}\nnum_warmups = 0\n{settings}")
    return path


def run_of(directory: Path) -> Path:
    """The only run, once its tasks have their status."""
    give_up = time.monotonic() + LIMIT_S
    while not (found := list((directory / "out").glob("*/status/*.json"))):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return found[0].parents[1]


def finished(shown: str) -> str:
    """The count of requests that ended, as the line of the progress has it."""
    match = re.search(r" ([\d,]+) of 4,000 ", shown)
    assert match, shown
    return match[1]


def test_a_run_on_its_screen(tmp_path: Path, slow: Mock) -> None:
    """The task takes the screen, in colour, and goes on; afterwards the terminal is as it was, and has what came of the
    run."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow), columns=150) as terminal:
        terminal.wait_for(
            r"^ openai-chat/synthetic   closed loop, 4 in flight   http://127\.0\.0\.1:\d+/\S+ +measuring"
        )
        terminal.wait_for(r"TTFT median +1\d\d ms +[⠁-⣿ ]+1\d\d ms\n +p90 1\d\d ms  p99 1\d\d ms")
        terminal.wait_for(r"in flight +4 +[⠁-⣿ ]* 4\n")
        terminal.wait_for(r"answered/s +\d\d(\.\d)? ")
        terminal.wait_for(r"measurement +[✓!] .*: send lag [\d.]+ \S+, read lag [\d.]+ \S+ \(limit ")
        terminal.wait_for(r"failed +0 of \d+ \(0 %\)\n Ctrl-C stops · p pauses · log logs/")
        terminal.wait_for(r"━*[━╸]─+  \d+ of 4,000 · \d:\d\d · about \d+:\d\d left\n")
        assert "Task Name" not in terminal.shown
        assert terminal.colours()
        before = finished(terminal.shown)
        terminal.wait_for(rf" (?!{before} )[\d,]+ of 4,000 ")
        terminal.press(b"\x03")
        assert terminal.end() == 130
        assert terminal.after == terminal.before
        assert terminal.raw.count(ENTER) == terminal.raw.count(LEAVE) == 1
        report = terminal.raw.rpartition(LEAVE)[2].decode()
    assert "fastbench recalc " in report
    assert "fastbench: stopped by the user; for the rest: " in report


def test_pages(tmp_path: Path, slow: Mock) -> None:
    """The arrows turn the pages of a run of many tasks, and stop at the first and the last."""
    config = several(tmp_path, slow, 20)
    with OnTerminal(tmp_path, *perf(tmp_path, slow, config), lines=24) as terminal:
        terminal.wait_for(r"Page: 1/3  Total 20 rows of data[\s\S]*\| m/d0 ")
        for page in (2, 3, 3):
            terminal.press(DOWN)
            terminal.wait_for(rf"Page: {page}/3  Total[\s\S]*\| m/d{7 * (page - 1)} ")
        terminal.press(UP * 4)
        terminal.wait_for(r"Page: 1/3  Total[\s\S]*\| m/d0 ")


def test_tasks_side_by_side(tmp_path: Path, slow: Mock) -> None:
    """Tasks that run at once each have a process, and go on in the same table."""
    config = several(tmp_path, slow, 3, max_num_workers=2)
    with OnTerminal(tmp_path, *perf(tmp_path, slow, config)) as terminal:
        first, second = (
            terminal.wait_for(rf"\| m/d{place} +\| +(\d+) \| \[#* *\] [1-9]\d*/4000 .*inferencing")[1]
            for place in (0, 1)
        )
        assert len({first, second, str(terminal.process.pid)}) == 3
        assert re.search(r"\| m/d2 +\| +- .*not start", terminal.shown)
        terminal.press(b"\x03")
        assert terminal.end() == 130


@pytest.mark.slow
def test_workers_of_one_task(tmp_path: Path, slow: Mock) -> None:
    """What several workers do for one task is shown together."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow, *LOAD, "--workers", 2)) as terminal:
        terminal.wait_for(r" \d\d+ of 4,000 ")
        terminal.wait_for(r"in flight +4 ")
        terminal.wait_for(r"TTFT median +1\d\d ms")
        terminal.press(b"\x03")
        assert terminal.end() == 130


def test_pause_and_sizes(tmp_path: Path, slow: Mock) -> None:
    """P stops the refresh so that the screen can be copied, and starts it again; the screen follows the size of the
    terminal at once, also while it is paused."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow), columns=200) as terminal:
        terminal.wait_for(rf"[⣀-⣿]{{{200 - 36}}}")
        terminal.resize(60, 20)
        terminal.wait_for(r"[⣀-⣿]{24} [^\n]*\n[\s\S]*Ctrl-C stops")
        assert max(map(len, terminal.shown.splitlines())) <= 60
        terminal.press(b"p")
        terminal.wait_for("PAUSED")
        written = len(terminal.raw)
        still = terminal.shown
        time.sleep(1.2)
        assert (terminal.shown, len(terminal.raw)) == (still, written)
        terminal.resize(200, 40)
        terminal.wait_for(rf"[⣀-⣿]{{{200 - 36}}}")
        assert "PAUSED" in terminal.shown
        before = finished(terminal.shown)
        terminal.press(b"P")
        terminal.wait_for(rf" (?!{before} )[\d,]+ of 4,000 ")
        assert "PAUSED" not in terminal.shown


def test_classic(tmp_path: Path, slow: Mock) -> None:
    """With --classic AISBench's header and table stand above the lines of the one task, in `perf` and in `watch`."""
    known = (
        r"Page: 1/1  Total 1 rows of data\n.*'P' to PAUSE/RESUME[\s\S]*\| Task Name .*\n.*\n\| openai-chat/synthetic "
    )
    with OnTerminal(tmp_path, *perf(tmp_path, slow, *LOAD, "--classic")) as terminal:
        terminal.wait_for(rf"{known}.*inferencing[\s\S]*TTFT median +1\d\d ms")
        with OnTerminal(tmp_path, "watch", run_of(tmp_path), "--classic") as second:
            second.wait_for(rf"{known}.*inferencing")


def test_no_colour(tmp_path: Path, slow: Mock) -> None:
    """With NO_COLOR set the screen has none."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow), env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("measuring")
        assert terminal.colours() == set()


def test_ctrl_c_once_and_twice(tmp_path: Path) -> None:
    """After the first Ctrl-C the screen says what a second one does, and the second one ends the run."""
    with (
        Mock(ttft_ms=60_000) as mock,
        OnTerminal(tmp_path, *perf(tmp_path, mock)) as terminal,
    ):
        terminal.wait_for(r"in flight +4")
        terminal.press(b"\x03")
        terminal.wait_for("Stopping: waiting for the 4 in flight; Ctrl-C again stops at once")
        assert terminal.process.poll() is None
        terminal.press(b"\x03")
        assert terminal.end() == 130
        assert terminal.after == terminal.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_terminal_is_put_back(tmp_path: Path, slow: Mock, number: signal.Signals) -> None:
    """Whatever ends the run, SIGKILL too, its screen is gone and the terminal as it was."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow)) as terminal:
        terminal.wait_for("measuring")
        assert terminal.after != terminal.before
        view = terminal.view_pid()
        terminal.signal(number)
        terminal.end()
        give_up = time.monotonic() + LIMIT_S
        while Path(f"/proc/{view}/cmdline").exists() and Path(f"/proc/{view}/cmdline").read_bytes():
            assert time.monotonic() < give_up, "the view stays"
            time.sleep(0.05)
        assert terminal.after == terminal.before
        assert terminal.raw.count(ENTER) == terminal.raw.count(LEAVE) == 1


def test_a_view_that_dies_does_not_end_the_run(tmp_path: Path, slow: Mock) -> None:
    """When the view is killed, the run goes on to its end, and puts the terminal back."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow)) as terminal:
        terminal.wait_for("measuring")
        os.kill(terminal.view_pid(), signal.SIGKILL)
        time.sleep(0.5)
        assert terminal.process.poll() is None
        terminal.signal(signal.SIGINT)
        assert terminal.end() == 130
        assert terminal.after == terminal.before
        assert terminal.raw.count(LEAVE) == 1


def counted(terminal: OnTerminal, written: bytes, times: int) -> bool:
    """Whether it was written so often to the terminal."""
    return terminal.raw.count(written) == times


def wait_until(true: Callable[[], bool]) -> None:
    """Returns as soon as it is."""
    give_up = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_suspended_without_a_shell(tmp_path: Path, slow: Mock) -> None:
    """Where no shell could continue it, Ctrl-Z stops neither the run nor its view, which is there again at once."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow)) as terminal:
        terminal.wait_for("measuring")
        terminal.press(b"\x1a")
        wait_until(partial(counted, terminal, ENTER, 2))
        assert terminal.raw.count(LEAVE) == 1
        terminal.press(b"p")
        terminal.wait_for("PAUSED")


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_suspended(tmp_path: Path, slow: Mock, workers: int) -> None:
    """Ctrl-Z gives the terminal back to the shell, however often; continued by `fg`, the view is there again."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow), "--workers", workers, shell=True) as terminal:
        for times in (1, 2):
            terminal.wait_for("measuring")
            terminal.press(b"\x1a")
            wait_until(partial(counted, terminal, LEAVE, times))
            terminal.press(b"fg\r")
            wait_until(partial(counted, terminal, ENTER, times + 1))
        terminal.press(b"p")
        terminal.wait_for("PAUSED")
        terminal.press(b"\x03")
        terminal.press(b"\x03")
        terminal.wait_for(r"stopped by the user")


def test_watch(tmp_path: Path, slow: Mock) -> None:
    """A second terminal sees the same run; Ctrl-C there ends the looking on and not the run, whose end ends it too."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow)) as terminal:
        run = run_of(tmp_path)
        with OnTerminal(tmp_path, "watch", run) as second:
            second.wait_for(r"openai-chat/synthetic .*measuring[\s\S]*Ctrl-C leaves, the run goes on · p pauses")
            second.wait_for(r"TTFT median +1\d\d ms")
            second.press(b"\x03")
            assert second.end() == 0
            assert second.after == second.before
            second.wait_for(r"The run \S+\s*\S* goes on\.")
        assert terminal.process.poll() is None
        # The work dir will do: the latest run is meant.
        with OnTerminal(tmp_path, "watch", tmp_path / "out", columns=200) as third:
            third.wait_for("measuring")
            terminal.press(b"\x03")
            assert terminal.end() == 130
            assert third.end() == 1
            third.wait_for(r"openai-chat/synthetic .* killed[\s\S]*The run \S+ was stopped by the user\.")


def test_watch_a_run_that_is_killed(tmp_path: Path, slow: Mock) -> None:
    """When the run's process is gone, whoever looks on learns it at once, and so does who comes later."""
    with OnTerminal(tmp_path, *perf(tmp_path, slow)) as terminal:
        run = run_of(tmp_path)
        with OnTerminal(tmp_path, "watch", run, columns=200) as second:
            second.wait_for("measuring")
            terminal.signal(signal.SIGKILL)
            terminal.end()
            assert second.end() == 1
            second.wait_for(rf"killed[\s\S]*was killed: its process {terminal.process.pid} is gone")
    later = fastbench_command(tmp_path, "watch", run)
    assert (later.code, later.err) == (1, "")
    assert "openai-chat/synthetic: killed, " in later.out
    assert f"its process {terminal.process.pid} is gone, and left openai-chat/synthetic unfinished." in later.out


def test_watch_what_is_no_run(tmp_path: Path) -> None:
    """A directory without a run is a mistake that is told in a sentence."""
    ended = fastbench_command(tmp_path, "watch", tmp_path)
    assert ended.code == 2
    assert "name the directory of a run" in ended.one_sentence()


def test_the_logs_of_tasks_side_by_side(tmp_path: Path, slow: Mock) -> None:
    """Tasks that run at once have a log each, in which their own end stands and no other's."""
    config = several(tmp_path, slow, 2, max_num_workers=2, num_prompts=3)
    ended = fastbench_command(tmp_path, *perf(tmp_path, slow, config), "-q")
    assert ended.code == 0, ended.err
    logs = {path.stem: path.read_text() for path in tmp_path.glob("**/logs/performance/*/*.out")}
    assert len(logs) == 2
    for name, text in logs.items():
        assert f"m/{name}: finished" in text
        assert text.count(": finished") == 1
