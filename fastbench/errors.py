"""One tree of exceptions. Each message is one sentence: what is wrong, where, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager


class FastbenchError(Exception):
    """Any error that fastbench reports to its user; `exit_code` is the process's exit status."""

    exit_code = 1


class UsageError(FastbenchError):
    """A command line or a config that cannot be run; nothing was sent."""

    exit_code = 2


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

    exit_code = 2


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
