"""Gathers all faults of a config, so that they are reported at once."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from fastbench.errors import ConfigError
from fastbench.secrets import cleaned, is_secret_name

_SHOWN = 80
_LONG = 4000
_NAME = re.compile(r"[\w-]+")


def show(value: object) -> str:
    """`value` as the user wrote it, but for keys in it, cut to one short line."""
    text = " ".join(repr(cleaned(value[:_LONG] if isinstance(value, str | bytes) else value)).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def is_secret_path(path: str) -> bool:
    """Whether the field at `path` may hold a key."""
    return any(is_secret_name(name) or name == "headers" for name in _NAME.findall(path))


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that `name` is most likely a misspelling of."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


class Issues:
    """Faults of one source. `labels` says of a field, by its path, which option or which place in another file it
    came from; the fields inside it came from there too, unless they have a label of their own."""

    def __init__(self, source: str, labels: Mapping[str, str] | None = None) -> None:
        self._source = source
        self._labels = sorted((labels or {}).items(), key=lambda label: len(label[0]), reverse=True)
        self._lines: list[str] = []
        self._names: dict[str, str] = {}
        self._excused: set[str] = set()
        self._missed = 0

    def rename(self, path: str, written: str) -> None:
        """The field at `path` was made of the one at `written`, which its faults name."""
        self._names[path] = written

    def excuse(self, path: str) -> None:
        """The fault of the field at `path` is reported already: it may be missing."""
        self._excused.add(path)

    def excuses(self, path: str) -> bool:
        """Whether the field at `path` is one of those."""
        return path in self._excused

    def add(self, path: str, sentence: str) -> None:
        """Adds a fault of the field at `path`; `sentence` follows the field's name."""
        line = f"{self._where(path)} {sentence}"
        if line not in self._lines:
            self._lines.append(line)

    def _where(self, path: str) -> str:
        for made, written in self._names.items():
            if _is_within(path, made):
                path = written + path[len(made) :]
                break
        for field, origin in self._labels:
            if _is_within(path, field):
                return placed(origin, path[len(field) :])
        return f"{self._source}: {path}"

    def wrong(self, path: str, found: object, allowed: str) -> None:
        """A value that the field does not allow; not shown where it may be a key."""
        lead = "must be" if is_secret_path(path) else f"is {show(found)}; it must be"
        self.add(path, f"{lead} {allowed}")

    def missing(self, path: str, allowed: str) -> None:
        """A required field is missing, unless it is excused."""
        if self.excuses(path):
            self._missed += 1
        else:
            self.add(path, f"is missing; it must be {allowed}")

    def unknown(self, path: str, name: str, known: Iterable[str]) -> None:
        """A field that does not exist."""
        names = sorted(known)
        close = nearest(name, names)
        hint = f"did you mean {close}?" if close else f"known are {', '.join(names)}"
        self.add(path, f"is not a known field; {hint}")

    def __len__(self) -> int:
        """The number of faults and excused fields."""
        return len(self._lines) + self._missed

    def check(self) -> None:
        """Raises one ConfigError with every fault, if there is any."""
        if self._lines:
            raise ConfigError("\n".join(self._lines))


def placed(origin: str, rest: str) -> str:
    """The place `rest` (".field" or "[0]") in what `origin` set: an option, or a place in a file, which has a ": "."""
    return f"{origin}: {rest[1:]}" if rest.startswith(".") and ": " not in origin else origin + rest


def _is_within(path: str, field: str) -> bool:
    return path == field or path.startswith((f"{field}.", f"{field}["))
