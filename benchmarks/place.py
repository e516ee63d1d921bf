"""Where a benchmark runs: which machine, on which of its processors."""

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import fastbench

ROOT = Path(__file__).parent.parent


def processors() -> list[int]:
    """The processors that this process may use, in order."""
    return sorted(os.sched_getaffinity(0))


def pin(which: int, pid: int = 0) -> None:
    """Keeps a process (0: this one) on the first (0) or the last (-1) processor, where there are several."""
    mine = processors()
    if len(mine) > 1:
        os.sched_setaffinity(pid, {mine[which]})


def as_client() -> None:
    """Makes this process, and what it starts, a client: away from the service's processor, with all descriptors."""
    pin(-1)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run_client(command: list[str], timeout_s: float = 300, prepare: Callable[[], None] = as_client) -> str:
    """What the command prints, run beside the service's processor. Raises CalledProcessError, its stderr shown."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, preexec_fn=prepare, cwd=ROOT, timeout=timeout_s)
    done.check_returncode()
    return done.stdout


def run_module(module: str, *arguments: object, timeout_s: float = 300) -> str:
    """What a Python module prints, run beside the service's processor."""
    return run_client([sys.executable, "-m", module, *map(str, arguments)], timeout_s)


def compile_c(source: str, place: Path) -> Path:
    """The program made of `benchmarks/<source>.c` in the directory `place`."""
    program = place / source
    subprocess.run(["cc", "-O2", "-Wall", "-o", program, Path(__file__).parent / f"{source}.c"], check=True)
    return program


def describe() -> dict[str, str]:
    """Date, machine and versions, for a file of results."""
    return {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"),
        "machine": f"{_processor()}, {os.cpu_count()} processors, Linux {platform.release()}",
        "python": platform.python_version(),
        "fastbench": fastbench.__version__,
    }


def _processor() -> str:
    """The processor's name, or its architecture where the system does not tell."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
