"""Exit codes, and one tree of exceptions. Each message is one sentence: what is wrong, where, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """The exit statuses of the command, each with what it `means`: the one table of them. `fastbench --help` prints it,
    docs/cli.md has."""

    means: str

    def __new__(cls, number: int, means: str) -> Self:
        """The status `number`."""
        one = int.__new__(cls, number)
        one._value_, one.means = number, means
        return one

    DONE = 0, "done; SLOs and assertions are met"
    FAILED = 1, "failed: the service could not be measured, or every request failed"
    USAGE = 2, "wrong usage; nothing was sent"
    NOT_MET = 3, "an SLO or an assertion is not met, or --max-failed ended the run"
    CANNOT_TELL = 4, "that cannot be told, or with --strict a verdict is INVALID"
    INTERRUPTED = 130, "stopped by Ctrl-C (SIGINT)"
    CLOSED = 141, "the reader of standard output closed it, such as head"
    TERMINATED = 143, "stopped by SIGTERM"

    @classmethod
    def of(cls, met: bool | None) -> "Exit":
        """Of something that was asked for; None = whether it is met cannot be told."""
        return cls.CANNOT_TELL if met is None else cls.DONE if met else cls.NOT_MET

    @classmethod
    def of_work(cls, went_well: bool) -> "Exit":
        """Of what went well or failed."""
        return cls.DONE if went_well else cls.FAILED

    @classmethod
    def of_signal(cls, number: int) -> "Exit":
        """Of one that asks to end: SIGINT or SIGTERM."""
        return cls(128 + number)  # type: ignore[call-arg]  # by its number alone


def worst(*codes: int) -> int:
    """Of several exit codes the one that counts: the highest, but what is known not to hold goes before what cannot be
    told. 0 of none."""
    return max(codes, key=lambda code: Exit.CANNOT_TELL + 0.5 if code == Exit.NOT_MET else code, default=Exit.DONE)


class FastbenchError(Exception):
    """Any error that fastbench reports to its user; `exit_code` is the process's exit status."""

    exit_code = Exit.FAILED


class UsageError(FastbenchError):
    """A command line or a config that cannot be run; nothing was sent."""

    exit_code = Exit.USAGE


class ConfigError(UsageError):
    """A field of a config file or an option has a wrong name, type or value."""


class DatasetError(UsageError):
    """A data set is missing, empty or has a broken row."""


class ServiceError(FastbenchError):
    """The service cannot be reached or does not speak the protocol asked for."""


class RecordingError(FastbenchError):
    """A recording cannot be written or read."""


class NotARunError(RecordingError):
    """The path is not a run: wrong usage, not a fault of a recording."""

    exit_code = Exit.USAGE


class PluginError(Exception):
    """What is wrong with something that a package's code gave; `blamed` makes the whole sentence of it."""


def cause(error: BaseException) -> str:
    """What was raised, on one line."""
    said = " ".join(str(error).split())
    name = type(error).__name__
    if isinstance(error, PluginError):
        return said
    return f"{name}: {said}" if said else name


@contextmanager
def blamed(what: str) -> Iterator[None]:
    """ConfigError for what a package's code raises inside, and where it ends the process. what: what it cannot do then,
    in words. A note of what is raised says where it was, such as a file and line."""
    try:
        yield
    except (FastbenchError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        place = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
        raise ConfigError(f"{place}{what} ({cause(error)}); fix the package or uninstall it") from error
