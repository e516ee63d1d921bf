"""What a person at a terminal sees beside the live view: help, version, and what stays when nobody looks on."""

import json
import re
import time
from pathlib import Path

import pytest
from nursery import Mock
from running import Ended, Running, fastbench_command, perf, without_progress
from terminals import ENTER, OnTerminal

import fastbench

LOAD = ("--input-len", 8, "--output-len", 40, "--num-prompts", 20, "--concurrency", 4)
QUICK = ("--input-len", 8, "--output-len", 4, "--num-prompts", 20, "--concurrency", 4)


def test_quiet(tmp_path: Path, service: Mock) -> None:
    """`-q` leaves the view out, and only the report is written, to standard output."""
    report = tmp_path / "report"
    run = ("perf", "-w", tmp_path / "out", "--url", service.url, *LOAD, "-q", "--no-plot")
    with OnTerminal(tmp_path, *run, output=report) as terminal:
        assert (terminal.end(), terminal.raw) == (0, b"")
    assert "Performance Parameters" in report.read_text()


def test_the_report_is_apart_from_the_view(tmp_path: Path, service: Mock) -> None:
    """Standard output into a file has the report alone, without what steers a terminal; the view is on the terminal."""
    report = tmp_path / "report"
    run = ("perf", "-w", tmp_path / "out", "--url", service.url, *LOAD)
    with OnTerminal(tmp_path, *run, output=report) as terminal:
        terminal.wait_for(r"openai-chat/synthetic")
        assert terminal.end() == 0
        assert b"Performance Parameters" not in terminal.raw
    assert report.read_text().startswith("Performance Results of task: openai-chat/synthetic")
    assert "\x1b" not in report.read_text()


def test_the_summary_is_last(tmp_path: Path, service: Mock) -> None:
    """On a terminal a run ends with its summary in colour, with the page and the command that prints the tables, which
    are not there themselves; with NO_COLOR it has no colour."""
    run = ("perf", "-w", tmp_path / "out", "--url", service.url, *QUICK)
    for env, colours in (({}, {"green"}), ({"NO_COLOR": "1"}, set())):
        with OnTerminal(tmp_path, *run, columns=80, lines=24, env=env) as terminal:
            assert terminal.end() == 0
            shown = terminal.shown
            assert "Performance Parameters" not in shown
            assert re.search(r"MEASUREMENT (VALID|INVALID: not to be trusted)", shown)
            assert "20 of 20 OK" in shown
            assert re.search(
                r"_plot\.html\n  tables  fastbench recalc \S+ --tables$|fastbench recalc [^$]* --tables$", shown
            )
            assert terminal.colours() >= colours
            assert bool(terminal.colours()) == bool(colours)
            assert b"\x1b]8;" not in terminal.raw


def test_tables_above_the_summary(tmp_path: Path, service: Mock) -> None:
    """`--tables`, and a terminal with room for both, have the guide's tables above the summary; their lines are those
    that a file gets."""
    run = ("perf", "-w", tmp_path / "out", "--url", service.url, *QUICK)
    with OnTerminal(tmp_path, *run, columns=250, lines=500) as terminal:
        assert terminal.end() == 0
    again = fastbench_command(tmp_path, "recalc", tmp_path / "out").out.encode().replace(b"\n", b"\r\n")
    above, _, below = terminal.raw.partition(b"Performance Result files located in")
    assert again.partition(b"Performance Result files located in")[0] in above
    assert b"20 of 20 OK" in below
    assert b"--tables" not in below
    with OnTerminal(tmp_path, "recalc", tmp_path / "out", "--tables", columns=250, lines=60) as terminal:
        assert terminal.end() == 0
        assert again in terminal.raw


def test_links_where_the_terminal_has_them(tmp_path: Path, service: Mock) -> None:
    """The page is a link on terminals that are known to have links; a terminal without escapes gets plain lines."""
    perf(tmp_path, "--url", service.url, *QUICK)
    for env, linked, escapes in (
        ({"TERM_PROGRAM": "WezTerm"}, True, True),
        ({"TERM_PROGRAM": "WezTerm", "TERM": "tmux-256color", "TMUX": "/tmp/x"}, False, True),
        ({"FORCE_HYPERLINK": "1"}, True, True),
        ({"VTE_VERSION": "7600", "FORCE_HYPERLINK": "0"}, False, True),
        ({"TERM": "dumb", "FORCE_HYPERLINK": "1"}, False, False),
    ):
        with OnTerminal(tmp_path, "recalc", tmp_path / "out", columns=80, env=env) as terminal:
            assert terminal.end() == 0
            assert (b"\x1b]8;;file://" in terminal.raw) == linked, env
            assert (b"\x1b" in terminal.raw) == escapes, env


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_without_a_screen(tmp_path: Path, service: Mock, term: str) -> None:
    """Where a terminal cannot move its cursor nothing is drawn."""
    run = ("perf", "-w", tmp_path / "out", "--url", service.url, *LOAD, "--no-plot")
    with OnTerminal(tmp_path, *run, output=tmp_path / "report", env={"TERM": term}) as terminal:
        assert terminal.end() == 0
        assert without_progress(terminal.raw.decode()) == ""


def test_debug(tmp_path: Path, service: Mock) -> None:
    """With `--debug` the log has the terminal, and there is no view."""
    run = ("perf", "-w", tmp_path / "out", "--url", service.url, *LOAD, "--debug", "--no-plot")
    with OnTerminal(tmp_path, *run, output=tmp_path / "report") as terminal:
        assert terminal.end() == 0
        shown = terminal.raw.decode()
    assert ENTER.decode() not in shown
    assert re.search(r"\[fastbench\] \[INFO\] openai-chat/synthetic: finished", shown)


@pytest.fixture(scope="module")
def piped(tmp_path_factory: pytest.TempPathFactory, service: Mock) -> Ended:
    """A short run without a terminal, with a key."""
    directory = tmp_path_factory.mktemp("piped")
    return perf(directory, "--url", service.url, *QUICK, "--header", "Authorization: Bearer very-secret")


def test_nothing_without_a_terminal(piped: Ended) -> None:
    """Into a file or a pipe a short run writes nothing but the report."""
    assert (piped.code, piped.err) == (0, "")
    assert piped.out.startswith("Performance Results of task: openai-chat/synthetic")
    assert "\x1b" not in piped.out
    assert "\r" not in piped.out


@pytest.mark.slow
def test_lines_without_a_terminal(tmp_path: Path) -> None:
    """A long run without a terminal says now and then how far it is, on standard error."""
    load = ("--input-len", 8, "--output-len", 1, "--num-prompts", 1, "--num-warmups", 0)
    with Mock(ttft_ms=11_000) as mock, Running(tmp_path, "--url", mock.url, *load) as run:
        ended = run.end()
    assert ended.code == 0
    lines = ended.all_err.splitlines()
    assert lines
    stamp = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] \[fastbench\] \[INFO\] openai-chat/synthetic: "
    assert all(re.match(stamp, line) for line in lines)
    assert any("inferencing, 0/1, POST=1 RECV=0 FINISH=0 FAIL=0" in line for line in lines)


def test_the_status_stays(piped: Ended) -> None:
    """At the end the status file has the final state, for its owner alone, without the key that was used."""
    (path,) = (piped.run / "status").iterdir()
    status = json.loads(path.read_text())
    assert (status["status"], status["sent"], status["ok"]) == ("finish", 20, 20)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "very-secret" not in path.read_text()
    assert status["started"] <= status["updated"] <= time.time()


@pytest.mark.parametrize(
    "arguments", [("--help",), *((name, "--help") for name in ("perf", "watch", "recalc", "report", "export", "mock"))]
)
def test_help(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Each command explains itself, and needs nothing for it."""
    ended = fastbench_command(tmp_path, *arguments)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: fastbench {' '.join(arguments[:-1])}".rstrip())
    assert "--help" in ended.out


def test_version(tmp_path: Path) -> None:
    """`--version` is the package's own."""
    ended = fastbench_command(tmp_path, "--version")
    assert (ended.code, ended.out, ended.err) == (0, f"fastbench, version {fastbench.__version__}\n", "")
