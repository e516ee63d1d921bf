"""Runs the real command in a process of its own, and reads what it prints and leaves behind.

Where nothing but its arguments, its directory, PYTHONPATH and plain variables are given, the process is forked off one
that has imported fastbench (`nursery.py`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nursery import Forked, nursery, package_environment, run_python

from fastbench.recording import Recording

EXAMPLES = Path(__file__).parents[2] / "examples"
STATS = ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
LIMIT_S = 300.0
"""So long a test waits for what is to come; a busy machine takes its time."""

Argument = str | int | Path

_PROGRESS = re.compile(
    r"^\[[-\d :,]+\] \[fastbench\] \[INFO\] \S+: .*POST=\d+ RECV=\d+ FINISH=\d+ FAIL=\d+\n", re.MULTILINE
)
_RUN_DIRECTORY = re.compile(r"\d{8}_\d{6}(_\d+)?")


def without_progress(text: str) -> str:
    """What a command said, but for the lines that a busy machine's longer run adds."""
    return _PROGRESS.sub("", text.replace("\r\n", "\n"))


@dataclass(frozen=True)
class Ended:
    """A command that has ended. work_dir: where its runs lie."""

    code: int
    out: str
    all_err: str
    work_dir: Path

    @property
    def err(self) -> str:
        """Standard error without the lines that say each ten seconds how far a run is."""
        return without_progress(self.all_err)

    @property
    def run(self) -> Path:
        """The directory of the only run in the work_dir."""
        (run,) = self.work_dir.iterdir()
        assert _RUN_DIRECTORY.fullmatch(run.name)
        return run

    @property
    def recording(self) -> Recording:
        """The recording of the only task of the run."""
        (path,) = self.run.glob("performances/*/*_recording")
        return Recording.open(path)

    @property
    def trust(self) -> dict[str, Any]:
        """What the report knows beside the two tables, of the only task of the run."""
        (path,) = self.run.glob("performances/*/*_trust.json")
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content

    def parameters(self, column: str = "Median") -> dict[str, float]:
        """One column of "Performance Parameters" as numbers, by row."""
        header, *rows = table(self.out, "Performance Parameters")
        at = header.index(column)
        return {row[0]: number(row[at]) for row in rows}

    def common_cells(self) -> dict[str, str]:
        """The values of the table "Common Metric" as they stand there, by row."""
        return {name: value for name, _, value in table(self.out, "Common Metric")[1:]}

    def common(self) -> dict[str, float]:
        """The table "Common Metric" as numbers, by row."""
        return {name: number(value) for name, value in self.common_cells().items()}

    def one_sentence(self) -> str:
        """The only line on standard error, which has no traceback."""
        assert "Traceback" not in self.err + self.out
        (line,) = self.err.splitlines()
        assert line.startswith("fastbench: ")
        return line


def unmarked(cell: str) -> str:
    """A cell without the marks of too few samples and of what the client's stalls leave uncertain."""
    return re.sub(r"( [*~])+$", "", cell)


def number(cell: str) -> float:
    """The number in a cell such as "12.3456 ms *"."""
    return float(cell.split()[0])


def tables(out: str, first: str) -> list[list[list[str]]]:
    """All tables whose header begins with `first`, as rows of cells, the header included."""
    found: list[list[list[str]]] = []
    for line in out.splitlines():
        if line.startswith("╒"):
            found.append([])
        elif line.startswith("│"):
            found[-1].append([cell.strip() for cell in line.strip("│").split("│")])
    return [rows for rows in found if rows[0][0] == first]


def table(out: str, first: str) -> list[list[str]]:
    """The only table whose header begins with `first`."""
    (found,) = tables(out, first)
    return found


def command(*arguments: Argument, module: str = "fastbench") -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def fastbench_command(
    directory: Path,
    *arguments: Argument,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Runs `fastbench` in `directory` to its end; its results are to be in `directory/out`."""
    done = run_python(directory, *map(str, arguments), env=env, timeout=LIMIT_S)
    return Ended(done.returncode, done.stdout, done.stderr, directory / "out")


def perf(
    directory: Path,
    *arguments: Argument,
    env: Mapping[str, str] | None = None,
    page: bool = False,
) -> Ended:
    """Runs `fastbench perf` with its results in `directory/out`. page: whether the report page, which is a third of the
    work of so small a run, is among them."""
    more = () if page else ("--no-plot",)
    return fastbench_command(directory, "perf", "-w", directory / "out", *arguments, *more, env=env)


class Running:
    """`fastbench perf`, another subcommand, or a script while it runs, in a process group of its own, as a shell would
    start it.

    Ended with SIGKILL at the end of the `with` block if it still runs.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: Argument,
        subcommand: str = "perf",
        module: str = "fastbench",
        fork: bool = True,
    ) -> None:
        """module: fastbench, or one in `directory` that takes the arguments as they are. fork: off a process that has
        imported fastbench, where that can be. `perf` makes no report page."""
        self._work_dir = directory / "out"
        self._written: list[Future[bytes]] = []
        told = [*arguments]
        if module == "fastbench":
            more = ("--no-plot",) if subcommand == "perf" else ()
            told = [subcommand, "-w", self._work_dir, *arguments, *more]
        if fork and nursery().fits(package_environment()):
            self._fork(directory, module, list(map(str, told)))
            return
        self.process: Any = subprocess.Popen(
            command(*told, module=module),
            cwd=directory,
            env=package_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self._output(LIMIT_S)

    def end(self, timeout: float = LIMIT_S) -> Ended:
        """Waits for its end."""
        out, err = self._output(timeout)
        return Ended(self.process.returncode, out, err, self._work_dir)

    def _fork(self, directory: Path, module: str, arguments: list[str]) -> None:
        """As the interpreter would be started: with nothing to read, and both outputs into pipes."""
        told = {"module": module, "directory": str(directory), "arguments": arguments, "alone": "group"}
        (out, to_out), (err, to_err) = os.pipe(), os.pipe()
        try:
            with open(os.devnull, "rb") as nothing:
                standard = (nothing.fileno(), to_out, to_err)
                self.process = Forked(nursery().start(told, package_environment(), standard))
        finally:
            os.close(to_out)
            os.close(to_err)
        reader = ThreadPoolExecutor(2)
        self._written = [reader.submit(_read_all, pipe) for pipe in (out, err)]
        reader.shutdown(wait=False)

    def _output(self, timeout: float) -> tuple[str, str]:
        """Standard output and error, once it has ended. Raises TimeoutError or subprocess.TimeoutExpired."""
        if not self._written:
            out, err = self.process.communicate(timeout=timeout)
            return out, err
        self.process.wait(timeout)
        out, err = (one.result(timeout).decode() for one in self._written)
        return out, err


def in_disguise(directory: Path, program: str, *arguments: Argument) -> Running:
    """`fastbench perf` in the disguise of a program of these lines, which calls it; "" = itself."""
    if not program:
        return Running(directory, *arguments)
    (directory / "disguise.py").write_text(program, encoding="utf-8")
    return Running(directory, "perf", "-w", directory / "out", *arguments, module="disguise")


def _read_all(pipe: int) -> bytes:
    with open(pipe, "rb") as file:
        return file.read()


def write_config(directory: Path, **names: Any) -> Path:
    """A config file that sets `names`."""
    path = directory / "run.py"
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in names.items()), encoding="utf-8")
    return path
