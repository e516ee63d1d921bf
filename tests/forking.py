"""Starts the interpreter by forking this process, in which fastbench is imported already.

In a command that the nursery has forked off, `ForkingPopen` stands in the place of `subprocess.Popen`: its workers,
its embedded services and its view are children like any others, but cost milliseconds.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import logging
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures.thread import _threads_queues as pools  # type: ignore[attr-defined]  # no public way
from contextlib import suppress
from typing import Any, NoReturn

from fastbench.registry import look_again

BASE: list[str] = []
"""Where modules are looked for, without what PYTHONPATH names and without the current directory; empty = where this
process does."""
_KEPT: list[object] = []
"""What the parent had and the child must not use; their end would flush or close what is the child's by then."""


def search(path: str, *, here: bool) -> None:
    """Looks for modules as an interpreter with this PYTHONPATH would; here: in the current directory first."""
    before = sys.path[:]
    sys.path[:] = [*([os.getcwd()] if here else []), *filter(None, path.split(os.pathsep)), *(BASE or before)]
    if sys.path != before:
        look_again()
    importlib.invalidate_caches()


def run_to_the_end(run: Callable[[], object]) -> None:
    """Runs what is the main program and ends the process as the interpreter would, except that it does not take apart
    all that was imported, which costs more than the rest. An error that nobody caught is told as ever."""
    code: object = 0
    try:
        run()
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
    except KeyboardInterrupt:
        traceback.print_exc()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - told, as the interpreter does
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    leave(int(code) & 0xFF)  # type: ignore[call-overload]


def leave(code: int) -> NoReturn:
    """Ends a forked process at once; for `make coverage` as a C program ends, which writes its counts."""
    if "FASTBENCH_COVERAGE" in os.environ:
        ctypes.CDLL(None).exit(code)
    os._exit(code)


def run_module(name: str) -> None:
    """As `python -m name` does."""
    sys.modules.pop(name, None)  # else runpy warns that it has been imported
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def program_of(args: Sequence[object]) -> tuple[Callable[[], object], list[str], bool] | None:
    """What an interpreter's command line runs, its `sys.argv`, and whether it looks in the current directory first;
    None = it is none, or it takes other options."""
    words = [os.fsdecode(word) for word in args]  # type: ignore[arg-type]
    if not words or words[0] != sys.executable:
        return None
    here = words[1] != "-P"
    option, what, *rest = words[1 if here else 2 :]
    # Forked off a worker that was forked itself, what checks replies ended in half of the tries on a loaded machine,
    # as it never did with an interpreter of its own; why was not found.
    if option == "-m" and what.startswith("fastbench.") and what != "fastbench.structured":
        return lambda: run_module(what), [what, *rest], here
    if option == "-c":
        return lambda: exec(compile(what, "<string>", "exec"), {"__name__": "__main__"}), ["-c", *rest], here
    return None


class ForkingPopen(subprocess.Popen[Any]):
    """As the usual one, but what is to be an interpreter is forked off this process."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        program = None if isinstance(args, str | bytes) else program_of(args)
        if program is None:
            return super()._execute_child(args, *rest)  # type: ignore[misc]
        _, _, _, pass_fds, cwd, env, _, _, _, *more = rest
        pipes, (_, _, _, _, _, session, group) = more[:6], more[6:]
        told, ready = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _become(pipes, [*pass_fds, ready], env, cwd, session, group)
                run, sys.argv, here = program
                search(os.environ.get("PYTHONPATH", ""), here=here)
                os.close(ready)
                run_to_the_end(run)
            except BaseException:  # noqa: BLE001 - nothing of the parent's may go on in the child
                traceback.print_exc()
            finally:
                os._exit(1)
        self._child_created = True
        os.close(ready)
        os.read(told, 1)  # the end of file, when the child is what it is to be
        os.close(told)
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
        return None


def _become(pipes: Sequence[int], others: Sequence[int], env: Any, cwd: Any, session: bool, group: int) -> None:
    """Leaves behind what a new program would not have: descriptors, handlers of signals and ends, logs, threads."""
    gc.freeze()
    for number in signal.valid_signals():
        with suppress(OSError, ValueError):
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if session:
        os.setsid()
    if group >= 0:
        os.setpgid(0, group)
    reading, _, _, writing, _, erring = pipes
    for place, pipe in enumerate((reading, writing, erring)):
        if pipe not in (-1, place):
            os.dup2(pipe, place)
    begin = 3
    for kept in sorted(set(others)):
        os.set_inheritable(kept, True)
        os.closerange(begin, kept)
        begin = kept + 1
    os.closerange(begin, os.sysconf("SC_OPEN_MAX"))
    if cwd is not None:
        os.chdir(cwd)
    if env is not None:
        environment = dict(env)
        os.environ.clear()
        os.environ.update(environment)
    atexit._clear()
    # A pool would be joined at the end, by what was one of its threads.
    pools.clear()
    for log in (logging.root, *logging.Logger.manager.loggerDict.values()):
        if isinstance(log, logging.Logger):
            _KEPT.append(log.handlers[:])
            log.handlers.clear()
            log.propagate, log.disabled = True, False
            log.setLevel(logging.WARNING if log is logging.root else logging.NOTSET)
    _KEPT.append((sys.stdin, sys.stdout, sys.stderr))
    for place, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        like = getattr(sys, f"__{name}__")
        errors = "backslashreplace" if name == "stderr" else like.errors
        fresh = open(place, mode, encoding=like.encoding, errors=errors, closefd=False)  # noqa: SIM115
        if name == "stderr":
            fresh.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        setattr(sys, name, fresh)
        setattr(sys, f"__{name}__", fresh)
