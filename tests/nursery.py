"""Forks commands off a process that has imported fastbench: a start costs milliseconds, not half a second of CPU.

Run as a script with the number of an inherited socket, it serves until the other end is closed: each message is a
command (what `Nursery.start` is given, as JSON) with the descriptors of its standard input, output and error and of a
pipe, into which two lines are written: the number of the process, and how it ended, as `subprocess` has it.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Any

from forking import BASE, ForkingPopen, run_module, run_to_the_end, search

import fastbench
from fastbench.mock import Mock as StartedMock
from fastbench.mock.process import COMMAND
from fastbench.options import Options
from fastbench.options.settings import run_of_options

ROOT = Path(__file__).parents[1]
IMPORTED = Path(fastbench.__file__).parents[1]
"""Where the package is imported from: the sources, or an installation."""
ROOM = 1 << 18
RECORDING = Path(__file__).parent / "golden" / "v3" / "performances" / "mock" / "golden_recording"
EARLY = ("PYTHON", "LC_", "LANG", "LD_")
"""What the names of variables begin with that the interpreter reads before any code."""
PATH = "PYTHONPATH"


def early(environment: dict[str, str]) -> dict[str, str]:
    """What a command forked off another process cannot take anew; it takes another PYTHONPATH (`search`)."""
    return {name: value for name, value in environment.items() if name.startswith(EARLY) and name != PATH}


class Nursery:
    """The client's side. environment: what the commands have in common; see `fits`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._early = early(environment)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env={**environment, "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def fits(self, environment: dict[str, str]) -> bool:
        """Whether a command with this environment can be forked off."""
        return early(environment) == self._early

    def start(self, command: dict[str, Any], environment: dict[str, str], standard: Sequence[int]) -> int:
        """Forks a command off; returns the pipe's end at which the two lines come.

        command: "module" to run, its "arguments", the "directory" it is run in, "alone" = what is to be its own: a
        process "group", a "session" whose terminal is its standard input, or "". standard: the descriptors that are its
        standard input, output and error.
        """
        read, write = os.pipe()
        try:
            told = json.dumps({**command, "environment": environment}).encode()
            socket.send_fds(self._socket, [told], [*standard, write])
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        return read

    def run(
        self,
        directory: Path,
        arguments: list[str],
        environment: dict[str, str],
        timeout: float,
        module: str = "fastbench",
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of `fastbench`, or another module, with these arguments, run in
        `directory`.

        Raises subprocess.TimeoutExpired, once the command has been killed.
        """
        command = {"module": module, "directory": str(directory), "arguments": arguments, "alone": ""}
        pipes = [os.pipe() for _ in range(2)]
        reading = [read for read, _ in pipes]
        try:
            with open(os.devnull, "rb") as nothing:
                reading.append(self.start(command, environment, [nothing.fileno(), *(write for _, write in pipes)]))
        finally:
            for _, write in pipes:
                os.close(write)
        try:
            out, err, ended = self._read(reading, timeout, arguments)
        finally:
            for read in reading:
                os.close(read)
        return int(ended.split()[1]), out.decode(), err.decode()

    def _read(self, pipes: list[int], timeout: float, arguments: list[str]) -> list[bytes]:
        """All that comes out of each pipe."""
        content, open_pipes, give_up = dict.fromkeys(pipes, b""), list(pipes), time.monotonic() + timeout
        while open_pipes:
            # `select` knows no descriptor above 1023.
            ready = wait(open_pipes, max(0, give_up - time.monotonic()))
            if not ready:
                with suppress(ProcessLookupError):
                    os.kill(int(content[pipes[-1]].split()[0]), signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, timeout)
            for pipe in filter(ready.__contains__, pipes):
                data = os.read(pipe, 1 << 16)
                content[pipe] += data
                if not data:
                    open_pipes.remove(pipe)
        return [content[pipe] for pipe in pipes]

    def script(self, directory: Path) -> int:
        """Makes `fastbench` in `directory` a program that has its command forked off here; returns the descriptor that
        whoever calls it is to inherit."""
        path, place = directory / "fastbench", self._socket.fileno()
        path.write_text(SCRIPT.format(python=sys.executable, place=place))
        path.chmod(0o700)
        return place


SCRIPT = """#!{python} -IS
import json, os, socket, sys
read, write = os.pipe()
command = {{"module": "fastbench", "directory": os.getcwd(), "arguments": sys.argv[1:], "alone": ""}}
told = json.dumps({{**command, "environment": dict(os.environ)}}).encode()
socket.send_fds(socket.socket(fileno={place}), [told], [0, 1, 2, write])
os.close(write)
with open(read) as reply:
    sys.exit(int(reply.read().split()[1]))
"""


STARTING = threading.Lock()


def nursery() -> Nursery:
    """The one of this process. One thread makes it: `cache` would let two make one each, and the first one end."""
    with STARTING:
        return started()


@cache
def started() -> Nursery:
    return Nursery(package_environment())


def run_python(
    directory: Path,
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    module: str = "fastbench",
    timeout: float = 300.0,
) -> subprocess.CompletedProcess[str]:
    """`python -m module arguments` in `directory`, forked off the nursery where that can be.

    module: fastbench, or one that lies in `directory`. env: over this process's. Raises subprocess.TimeoutExpired.
    """
    environment, words = package_environment(env), list(map(str, arguments))
    command = [sys.executable, "-m", module, *words]
    if nursery().fits(environment):
        return subprocess.CompletedProcess(command, *nursery().run(directory, words, environment, timeout, module))
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def package_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which a command finds the package under test."""
    path = os.pathsep.join([str(IMPORTED), *filter(None, [os.environ.get("PYTHONPATH")])])
    # Where these two are set, as by pytest-xdist, they hide the size of a terminal.
    own = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    return {**own, "PYTHONPATH": path, **(extra or {})}


class Forked:
    """A command that was forked off, as far as `subprocess.Popen` is used of it. reply: what `Nursery.start` gave."""

    def __init__(self, reply: int) -> None:
        self._reply = os.fdopen(reply, "rb", buffering=0)  # so that what `wait` says is all there is
        self.pid = int(self._reply.readline())
        self.returncode: int | None = None

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """The exit code; None = it still runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not wait([self._reply], timeout):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._reply.readline())
            self._reply.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends it unless the command has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(self.pid, number)


class ForkedService(Forked):
    """As a service needs it: with pipes to its standard input and from its standard output."""

    def __init__(self, reply: int, stdin: int, stdout: int) -> None:
        self.stdin, self.stdout = os.fdopen(stdin, "wb", buffering=0), os.fdopen(stdout, "rb")
        super().__init__(reply)


class Mock(StartedMock):
    """The simulated service, forked off."""

    def log_entries(self, count: int = 0, seconds: float = 300.0) -> list[dict[str, Any]]:
        """As the usual one, but a busy machine takes its time."""
        return super().log_entries(count, seconds)

    def _start(self, errors: IO[bytes]) -> Any:
        if not nursery().fits(package_environment()):
            return super()._start(errors)
        return forked_service(self, errors)


def forked_service(service: StartedMock, errors: IO[bytes]) -> Any:
    """In the place of `Mock._start`: the service's process."""
    command = {"module": COMMAND, "directory": os.getcwd(), "arguments": service._arguments(), "alone": "group"}
    (stdin, to_stdin), (from_stdout, stdout) = os.pipe(), os.pipe()
    try:
        reply = nursery().start(command, package_environment(), [stdin, stdout, errors.fileno()])
    finally:
        os.close(stdin)
        os.close(stdout)
    return ForkedService(reply, to_stdin, from_stdout)


LATE = ("numpy.ma", "numpy.random", "numpy.strings", "tokenizers")
"""What fastbench's packages bring in where it is first used."""


def import_all() -> None:
    """Imports fastbench, and what it imports late."""
    for module in pkgutil.walk_packages(fastbench.__path__, "fastbench."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # what an extra brings that is not installed
                importlib.import_module(module.name)
    for name in LATE:
        with suppress(ImportError):
            importlib.import_module(name)


def next_command(requests: socket.socket) -> dict[str, Any]:
    """Serves until this process is one that is to be a command; never returns in the first one."""
    running: dict[int, tuple[int, int]] = {}
    """By the descriptor that tells its end, each command's process and the pipe into which that is written."""
    while True:
        ready = wait([requests, *running])
        for ended in filter(running.__contains__, ready):
            command, reply = running.pop(ended)  # type: ignore[index]
            _, status = os.waitpid(command, 0)
            tell(reply, os.waitstatus_to_exitcode(status))
            os.close(reply)
            os.close(ended)  # type: ignore[arg-type]
        if requests in ready:
            told, pipes, _, _ = socket.recv_fds(requests, ROOM, 4)
            if not told:
                os._exit(0)
            *standard, reply = pipes
            if (command := os.fork()) == 0:
                break
            for pipe in standard:
                os.close(pipe)
            tell(reply, command)
            running[os.pidfd_open(command)] = (command, reply)
    requests.close()
    for ended, (_, others) in running.items():
        os.close(ended)
        os.close(others)
    os.close(reply)
    for place, pipe in enumerate(standard):
        os.dup2(pipe, place)
        os.close(pipe)
    found: dict[str, Any] = json.loads(told)
    return found


def tell(reply: int, number: int) -> None:
    """Writes a line to who started a command, unless that one has left."""
    with suppress(BrokenPipeError):
        os.write(reply, b"%d\n" % number)


def warm_up() -> None:
    """Makes what a command makes at its first report and at its first settings, and then keeps: what is imported late,
    compiled patterns, decoders."""
    run_of_options(Options({"url": "http://127.0.0.1:1"}))
    with tempfile.TemporaryDirectory() as directory:
        fastbench.report(fastbench.open(RECORDING), directory)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The first place is where this file lies, the next ones are those that PYTHONPATH names.
    BASE += sys.path[1 + len([*filter(None, os.environ.get(PATH, "").split(os.pathsep))]) :]
    import_all()
    warm_up()
    gc.freeze()  # else each command would look through all that was imported when it ends
    command = next_command(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(command["directory"])
    if command["alone"] == "group":
        os.setpgid(0, 0)
    elif command["alone"] == "session":
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(command["environment"])
    # The service is started with -P.
    search(os.environ.get(PATH, ""), here=command["module"] != COMMAND)
    sys.argv = ["fastbench", *command["arguments"]]
    subprocess.Popen = ForkingPopen  # type: ignore[misc]
    run_to_the_end(lambda: run_module(command["module"]))
