"""The simulated service in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import IO, Any, Self

from fastbench.errors import ServiceError
from fastbench.mock.options import flag_name, make_options, option_fields

COMMAND = "fastbench.cli.mock"  # a process of its own: this room does not import the command line
START_SECONDS = 30.0
STOP_SECONDS = 5.0


def _search_path() -> str:
    """PYTHONPATH with which the service's process finds this very package, installed or not."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


class Mock:
    """A context manager: the service runs inside the `with` block, on a free port unless `port` is given.

    options: those of `fastbench mock`, with underscores; `faults` may be written for `fault`. Raises ConfigError
    for a wrong one, ServiceError when the service does not start.
    """

    def __init__(self, **options: Any) -> None:
        self.options = make_options({"port": 0, **options, "until_stdin_ends": True})
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        """The service's process id."""
        if self._process is None:
            raise RuntimeError("the mock runs only inside its `with` block")
        return self._process.pid

    def __enter__(self) -> Self:
        # In memory: there may be no place that a file could be written to.
        self._errors = open(os.memfd_create("fastbench-mock-errors"), "w+b")
        self._process = self._start(self._errors)
        try:
            self.url = self._read_url()
            self._wait_for_answer()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the service and waits for it; its log is complete then. Does nothing when it has ended already."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, self._errors):
            if stream:
                stream.close()

    def log_entries(self, count: int = 0, seconds: float = 10.0) -> list[dict[str, Any]]:
        """The log's entries so far, in the order in which requests finished; waits until there are `count`.

        Needs the option `log`. Raises ServiceError when there are fewer than `count` after `seconds`.
        """
        if self.options.log is None:
            raise RuntimeError("the mock was started without `log`")
        give_up = time.monotonic() + seconds
        while True:
            with open(self.options.log, "rb") as file:
                lines = file.read().splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):
                lines.pop()
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
            if time.monotonic() > give_up:
                raise ServiceError(f"the mock's log has {len(lines)} entries after {seconds:g} s, not {count}")
            time.sleep(0.005)

    def _start(self, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        """The service's process; `errors` is its standard error."""
        return subprocess.Popen(
            # -P: not what happens to lie in the current directory, such as a source tree that is not built.
            [sys.executable, "-P", "-m", COMMAND, *self._arguments()],
            env={**os.environ, "PYTHONPATH": _search_path()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            # Ctrl-C goes to a terminal's whole process group: the client drains, so the service must go on. Not in a
            # session of its own: Linux shares processors between sessions first (autogroup), and a reactor that
            # wakes would wait for the service's turn to end, whatever its priority.
            process_group=0,
        )

    def _arguments(self) -> list[str]:
        """The command line of the options that differ from their defaults."""
        arguments: list[str] = []
        for row in option_fields():
            value = getattr(self.options, row.name)
            flag = flag_name(row.name)
            if value == row.default:
                continue
            if isinstance(value, bool):
                arguments.append(flag if value else flag.replace("--", "--no-", 1).replace("--no-no-", "--"))
            else:
                items = value if isinstance(value, tuple) else (value,)
                arguments.extend(f"{flag}={item}" for item in items)
        return arguments

    def _read_url(self) -> str:
        """The address in the line that the service prints when it is ready."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        assert self._errors is not None
        line = process.stdout.readline().decode()
        for word in line.split():
            if word.startswith(("http://", "https://")):
                return word
        process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().removeprefix("fastbench: ")
        raise ServiceError(f"the mock ended with status {process.returncode} before it was ready: {said}")

    def _wait_for_answer(self) -> None:
        """Returns once the service accepts a connection; over TLS that alone is waited for, else an answer too."""
        host, _, port = self.url.partition("://")[2].rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=START_SECONDS) as connection:
            if self.url.startswith("http://"):
                connection.sendall(b"GET /health HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n\r\n")
                connection.recv(4096)
