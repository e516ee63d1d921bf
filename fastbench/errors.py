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


@contextmanager
def blamed(what: str) -> Iterator[None]:
    """ConfigError for what a package's code raises inside. what: what it cannot do then, in words."""
    try:
        yield
    except (FastbenchError, MemoryError):
        raise
    except Exception as error:
        raise ConfigError(f"{what} ({type(error).__name__}: {error}); fix its package or uninstall it") from error
