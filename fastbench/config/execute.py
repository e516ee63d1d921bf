"""Runs a config file, which is Python, together with the config files that it imports.

A file may import names of other config files by relative imports (`from .models.mine import models`), with or without
`with read_base():` around them. Each import runs the other file anew, so nothing that is changed in the importing
file reaches a third one. Presets are imported as `fastbench.config.presets.…`, or by the original's name for them.
Other names of the packages in `ROOTS` are stand-ins. All of this holds for the config's own statements alone: they
have an `__import__` of their own, and nothing outside is touched.
"""

import builtins
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from fastbench.config.original import CLASSES
from fastbench.config.redactor import KNOWN, secrets_in_source
from fastbench.config.service_names import TYPES
from fastbench.config.standin import ROOTS, stand_in, with_attributes
from fastbench.config.summarizer import SUMMARIZER_TYPES
from fastbench.errors import ConfigError

PRESETS = Path(__file__).parent / "presets"
_PRESET_PACKAGES = (["ais_bench", "benchmark", "configs"], ["fastbench", "config", "presets"])


def execute(path: str, within: tuple[str, ...] = ()) -> dict[str, Any]:
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
    known["__import__"] = _Import(path, within, known)
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

    def __init__(self, path: str, within: tuple[str, ...], known: dict[str, Any]) -> None:
        self._path = path
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
        if fromlist and parts[:3] in _PRESET_PACKAGES:
            return self._configs(PRESETS.joinpath(*parts[3:]), fromlist)
        if parts[0] not in ROOTS:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        # The original's own documents use classes that they do not import.
        self._known.update({name: stand_in(name) for name in _class_names() if name not in self._known})
        return stand_in(parts[0])

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
        return SimpleNamespace(**with_attributes(execute(str(file), self._within)))


def _class_names() -> set[str]:
    return {name for name in (*TYPES, *CLASSES, *SUMMARIZER_TYPES) if name[0].isupper()}


def _line(error: BaseException, path: str) -> int:
    """The last line of `path` on the way to the error."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 1
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] or 1 if lines else 1


def _reason(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}" if text else type(error).__name__
