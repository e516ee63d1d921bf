"""The `fastbench` command as a process: help, exit codes, one line for a mistake."""

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from nursery import run_python

from fastbench import __version__

ROOT = Path(__file__).parents[2]


WHOLE_RUN = [
    "-m",
    "fastbench",
    "perf",
    "--mock",
    "--input-len",
    "8",
    "--output-len",
    "2",
    "--num-prompts",
    "4",
    "--no-plot",
    "-w",
    "out",
]


def fastbench(*arguments: str, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, forked off one that has imported it unless `python` has options."""
    if not python:
        return run_python(ROOT, *arguments)
    command = [sys.executable, *python, "-m", "fastbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


@pytest.mark.parametrize(
    "arguments", ["--version", "perf --help", pytest.param("config --schema", marks=pytest.mark.slow)]
)
def test_a_full_disk_is_one_line(arguments: str) -> None:
    """Where standard output takes nothing the command says so in a line, and its exit code is 1."""
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "fastbench", *arguments.split()]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, cwd=ROOT, check=False
        )
    told = "fastbench: standard output takes no more: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_closed_streams_do_no_harm(tmp_path: Path) -> None:
    """A run whose standard input, output and error are closed goes to its end, and its results are there."""
    code = f"import os, sys; os.closerange(0, 3); os.execv(sys.executable, [sys.executable, *{WHOLE_RUN}])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 0
    assert list(tmp_path.glob("out/*/performances/*/synthetic.csv"))


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_names_the_commands(arguments: tuple[str, ...]) -> None:
    """Help, asked for or not, lists the commands and ends well."""
    done = fastbench(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^  (\w[\w-]*)  ", done.stdout, re.MULTILINE) == [
        "perf",
        "saturate",
        "watch",
        "recalc",
        "report",
        "compare",
        "baseline",
        "export",
        "merge",
        "doctor",
        "config",
        "vllm-bench",
        "mock",
        "completion",
    ]


def test_help_of_perf_shows_its_forms() -> None:
    """`fastbench perf --help` shows a run by config, by names and by options, and its options in sections."""
    done = fastbench("perf", "--help")
    assert done.returncode == 0
    assert "fastbench perf CONFIG.py" in done.stdout
    assert "fastbench perf --models vllm_api_stream_chat --datasets synthetic_gen_string" in done.stdout
    sections = ["What to run", "Service", "Prompts", "Load", "Results", "Help"]
    assert re.findall(r"^(\w[\w ]*):$", done.stdout, re.MULTILINE) == sections
    assert "fastbench perf --url http://host:8000" in done.stdout


def test_version() -> None:
    """`--version` prints the version."""
    assert fastbench("--version").stdout == f"fastbench, version {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    """Help needs click and fastbench's own errors, nothing that is slow to load."""
    done = fastbench("perf", "--help", python=("-X", "importtime"))
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "click" in loaded
    assert not loaded & {"numpy", "aiohttp", "msgspec", "orjson", "uvloop", "tokenizers", "asyncio", "hdrh"}


def test_help_is_quick() -> None:
    """Beside Python's own start help takes at most 0.2 s of CPU time, here doubled for a busy machine."""

    def best(*command: str) -> float:
        times = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *command], capture_output=True, cwd=ROOT, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    assert best("-m", "fastbench", "--help") - best("-c", "pass") < 0.4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["prf"], "No such command 'prf'. (Did you mean 'perf'?) See"),
        (["saturte", "http://h"], "No such command 'saturte'. (Did you mean 'saturate'?) See"),
        (["xyzzy"], "No such command 'xyzzy'. See"),
        (["perf", "--inputlen", "5"], "No such option"),
        (["perf", "--retry", "x", "--mock"], "Invalid value for '--retry'"),
        (["perf", "--budget", "5m"], "--budget is an option of `fastbench saturate`"),
        (["saturate", "--concurrency", "5"], "--concurrency is for `fastbench perf`: a search sets the load itself"),
        (["saturate", "--max-failed", "5%"], "--max-failed is for `fastbench perf`: a search sets the load itself"),
        (["saturate", "--tables"], "--tables is an option of `fastbench perf`"),
        (["saturate", "--base-url", "http://h"], "No such option '--base-url'; use --url"),
        (["saturate", "--mock", "--budget", "0"], "Invalid value for '--budget': '0' is no time"),
        (["perf"], "no service is given"),
        (["export", "run"], "Missing option '--format'. Choose from: csv, jsonl, parquet, hlog, vllm, llm-d. See"),
        (
            ["perf", "--config", "/no/such.py"],
            "/no/such.py: the config cannot be read",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], told: str) -> None:
    """A mistake is one line on stderr that starts with the program's name, and the exit code is 2."""
    done = fastbench(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"fastbench: {told}")


def test_several_faults_are_a_line_each() -> None:
    """Faults of several options are told at once, a line each."""
    done = fastbench("perf", "--mock", "--retry", "-1", "--concurrency", "0")
    assert done.returncode == 2
    assert [line.split(" is ")[0] for line in sorted(done.stderr.splitlines())] == [
        "fastbench: --concurrency",
        "fastbench: --retry",
    ]
