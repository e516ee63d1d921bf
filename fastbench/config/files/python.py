"""Runs a config file, which is Python, together with the config files that it imports.

A file may import names of other config files by relative imports (`from .models.mine import models`). Each import runs
the other file anew, so nothing that is changed in the importing file reaches a third one. What else may be imported
beside Python's own modules is up to `Foreign`. All of this holds for the config's own statements alone: they have an
`__import__` of their own, and nothing outside is touched.
"""

import builtins
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, TextIO

from fastbench.errors import ConfigError
from fastbench.secrets import KNOWN, secrets_in_source


class Foreign(Protocol):
    """What configs may import beside Python's own modules and each other."""

    def configs(self, parts: Sequence[str]) -> Path | None:
        """The config file, without its suffix, or the directory that a module is; None = it is neither."""
        ...

    def module(self, package: str) -> object | None:
        """What stands for a package; None = Python imports it."""
        ...

    def known(self) -> Mapping[str, object]:
        """Names that need no import once one of `module` was imported."""
        ...


class NoForeign:
    """Nothing more."""

    def configs(self, parts: Sequence[str]) -> Path | None:
        """No module is a config."""
        return None

    def module(self, package: str) -> object | None:
        """Python imports all packages."""
        return None

    def known(self) -> Mapping[str, object]:
        """No names."""
        return {}


class AttributeDict(dict[str, Any]):
    """The dicts of imported configs: their items are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def with_attributes(value: Any) -> Any:
    """`value` with every dict in it, in lists too, as an `AttributeDict`."""
    if isinstance(value, dict):
        return AttributeDict({name: with_attributes(item) for name, item in value.items()})
    return [with_attributes(item) for item in value] if isinstance(value, list) else value


def execute(path: str, foreign: Foreign, within: tuple[str, ...] = ()) -> dict[str, Any]:
    """The names that the file at `path` sets. within: the files that are being run and led to it.

    Raises ConfigError with the line that is wrong.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the config cannot be read: {error.strerror}") from error
    # The source too: of a file that cannot be run, only its text tells which keys are in it.
    KNOWN.learn(*secrets_in_source(source.decode(errors="replace")))
    known: dict[str, Any] = dict(vars(builtins))
    known["__import__"] = _Import(path, foreign, within, known)
    names: dict[str, Any] = {"__name__": "__config__", "__file__": path, "__builtins__": known}
    try:
        with _warnings_without_lines():
            exec(compile(source, path, "exec"), names)
    # An imported file has told its own line.
    except ConfigError:
        raise
    # A config is the user's own program: whatever stops it is the user's to see, with its line.
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is raised anew, without lines that may hold a key
        KNOWN.learn_in(names)
        raise ConfigError(KNOWN.hide(f"{path}, line {_line(error, path)}: {_reason(error)}")) from None
    return {name: value for name, value in names.items() if not name.startswith("__")}


@contextmanager
def _warnings_without_lines() -> Iterator[None]:
    """Python shows a warning with the line that it is about, which may hold a key."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_without(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            show(KNOWN.hide(str(message)), category, filename, lineno, file, "")

        warnings.showwarning = show_without
        yield


class _Import:
    """`__import__` of the config file at `path`; `known` are the names that it has without setting them."""

    def __init__(self, path: str, foreign: Foreign, within: tuple[str, ...], known: dict[str, Any]) -> None:
        self._path = path
        self._foreign = foreign
        self._within = (*within, str(Path(path).resolve()))
        self._known = known

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        parts = name.split(".")
        if level:
            folder = Path(self._path).resolve().parents[level - 1]
            return self._configs(folder.joinpath(*parts) if name else folder, fromlist or ())
        if fromlist and (place := self._foreign.configs(parts)) is not None:
            return self._configs(place, fromlist)
        module = self._foreign.module(parts[0])
        if module is None:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        self._known.update({name: each for name, each in self._foreign.known().items() if name not in self._known})
        return module

    def _configs(self, place: Path, fromlist: Sequence[str]) -> SimpleNamespace:
        """The names of the file `place`.py, or, for a directory, the files in it that are asked for."""
        file = place.with_name(f"{place.name}.py")
        if place.is_dir() and not file.is_file():
            return SimpleNamespace(**{name: self._names_of(place / f"{name}.py") for name in fromlist})
        names = self._names_of(file)
        for name in fromlist:
            if name != "*" and not hasattr(names, name):
                raise ImportError(f"{file} sets no {name}")
        return names

    def _names_of(self, file: Path) -> SimpleNamespace:
        if not file.is_file():
            raise ImportError(f"there is no config file {file}")
        if str(file.resolve()) in self._within:
            raise ImportError(f"{file} imports itself by way of this file")
        return SimpleNamespace(**with_attributes(execute(str(file), self._foreign, self._within)))


def _line(error: BaseException, path: str) -> int:
    """The last line of `path` on the way to the error."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 1
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] or 1 if lines else 1


def _reason(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}" if text else type(error).__name__
