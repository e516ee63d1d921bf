"""What fastbench can be extended by: dialects, data-set formats, load shapes and metrics, each by its name.

A registry knows fastbench's own by the module that holds them, and those of other packages by their entry points; it
imports one when it is asked for. So a lower room can look up by name what a higher one defines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from fastbench.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by their names."""

    def __init__(self, group: str, what: str, kind: str, own: Mapping[str, str]) -> None:
        """group: of the entry points. what: one of these things, in words. kind: their class, as "module:name". own:
        fastbench's, by name, as "module:name"."""
        self.group = group
        self._what = what
        self._kind = kind
        self._own = dict(own)
        self._found: dict[str, T] = {}

    @cached_property
    def _plugged(self) -> dict[str, EntryPoint]:
        """Those of other packages. Looked for once: that takes a while where many packages are installed."""
        return {point.name: point for point in entry_points(group=self.group) if point.name not in self._own}

    def names(self) -> tuple[str, ...]:
        """fastbench's own in their order, then those of other packages."""
        return (*self._own, *sorted(self._plugged))

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._plugged

    def __iter__(self) -> Iterator[T]:
        """All of them, in the order of `names`."""
        return map(self.get, self.names())

    def get(self, name: str) -> T:
        """The one of this name. Raises ConfigError for a name that there is not, and where a package's is broken."""
        if name not in self._found:
            self._found[name] = self._load(name)
        return self._found[name]

    def _load(self, name: str) -> T:
        if name in self._own:
            return _named(self._own[name])  # type: ignore[no-any-return]  # fastbench's own are of the kind
        if name not in self._plugged:
            close = get_close_matches(name, self.names(), n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(self.names())}"
            raise ConfigError(f"there is no {self._what} {name}; {hint}")
        return self._of_package(self._plugged[name])

    def _of_package(self, point: EntryPoint) -> T:
        package = point.dist.name if point.dist is not None else point.value
        where = f"the {self._what} {point.name} of the package {package}"
        try:
            thing = point.load()
        except Exception as error:  # somebody else's code: whatever it raises is told
            raise ConfigError(
                f"{where} cannot be loaded ({type(error).__name__}: {error}); mend the package, or uninstall it"
            ) from error
        kind = _named(self._kind)
        if not isinstance(thing, kind):
            raise ConfigError(
                f"{where} is {type(thing).__name__}, and must be {self._kind.replace(':', '.')}; mend the package"
            )
        return thing  # type: ignore[no-any-return]  # seen to be of the kind


def _named(place: str) -> Any:
    """What `place`, "module:name", leads to."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
