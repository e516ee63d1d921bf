"""Forks commands off a process that has imported fastbench: a start costs milliseconds, not half a second of CPU.

Run as a script with the number of an inherited socket, it serves until the other end is closed: each message is a
command (`COMMAND`'s fields as JSON) with the descriptors of its standard output, its standard error and of a pipe, into
which two lines are written: the number of the process, and how it ended, as `subprocess` has it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOM = 1 << 18
EARLY = ("PYTHON", "LC_", "LANG", "LD_")
"""What the names of variables begin with that the interpreter reads before any code."""


def early(environment: dict[str, str]) -> dict[str, str]:
    """What a command forked off another process cannot take anew."""
    return {name: value for name, value in environment.items() if name.startswith(EARLY)}


class Nursery:
    """The client's side. environment: what the commands have in common; see `fits`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._early = early(environment)
        self._owner = os.getpid()
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
        return early(environment) == self._early and self._owner == os.getpid()

    def run(
        self, directory: Path, arguments: list[str], environment: dict[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of `fastbench` with these arguments, run in `directory`.

        Raises subprocess.TimeoutExpired, once the command has been killed.
        """
        pipes = [os.pipe() for _ in range(3)]
        told = json.dumps({"directory": str(directory), "arguments": arguments, "environment": environment}).encode()
        try:
            socket.send_fds(self._socket, [told], [write for _, write in pipes])
        finally:
            for _, write in pipes:
                os.close(write)
        try:
            out, err, ended = self._read([read for read, _ in pipes], timeout, arguments)
        finally:
            for read, _ in pipes:
                os.close(read)
        return int(ended.split()[1]), out.decode(), err.decode()

    def _read(self, pipes: list[int], timeout: float, arguments: list[str]) -> list[bytes]:
        """All that comes out of each pipe."""
        content, open_pipes, give_up = dict.fromkeys(pipes, b""), list(pipes), time.monotonic() + timeout
        while open_pipes:
            ready, _, _ = select.select(open_pipes, [], [], max(0, give_up - time.monotonic()))
            if not ready:
                with suppress(ProcessLookupError):
                    os.kill(int(content[pipes[-1]].split()[0]), signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, timeout)
            for pipe in ready:
                data = os.read(pipe, 1 << 16)
                content[pipe] += data
                if not data:
                    open_pipes.remove(pipe)
        return [content[pipe] for pipe in pipes]


def import_all() -> None:
    """Imports fastbench, and what it imports late."""
    import fastbench

    for module in pkgutil.walk_packages(fastbench.__path__, "fastbench."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # what an extra brings that is not installed
                importlib.import_module(module.name)
    with suppress(ImportError):
        importlib.import_module("tokenizers")


def next_command(requests: socket.socket) -> dict[str, Any]:
    """Serves until this process is one that is to be a command; never returns in the first one."""
    while True:
        told, pipes, _, _ = socket.recv_fds(requests, ROOM, 3)
        if not told:
            os._exit(0)
        if (keeper := os.fork()) == 0:
            break
        for pipe in pipes:
            os.close(pipe)
        os.waitpid(keeper, 0)
    # The keeper's keeper leaves at once, so that the one that serves waits for nobody.
    if os.fork():
        os._exit(0)
    requests.close()
    out, err, reply = pipes
    if (command := os.fork()) == 0:
        os.close(reply)
        for pipe, standard in ((out, 1), (err, 2)):
            os.dup2(pipe, standard)
            os.close(pipe)
        found: dict[str, Any] = json.loads(told)
        return found
    os.close(out)
    os.close(err)
    os.write(reply, b"%d\n" % command)
    _, status = os.waitpid(command, 0)
    os.write(reply, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # As `python -m` has it: the first place to look is where the command is run, not where this file lies.
    sys.path.pop(0)
    import_all()
    gc.freeze()  # else each command would look through all that was imported when it ends
    command = next_command(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(command["directory"])
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    sys.argv = ["fastbench", *command["arguments"]]
    runpy.run_module("fastbench", run_name="__main__", alter_sys=True)
