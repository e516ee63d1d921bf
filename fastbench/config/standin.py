"""Stand-ins for what config files import from packages that fastbench does without: only the names count."""

from typing import Any

ROOTS = frozenset({"ais_bench", "mmengine"})
"""Packages that a config file may import from, installed or not; none of their code is run."""


class _Named(type):
    """Whatever is looked up in a stand-in is a stand-in of that name."""

    def __getattr__(cls, name: str) -> "_Named":
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)


class StandIn(metaclass=_Named):
    """A module, class or function of another package; a call gives an object without effect.

    The object is a context manager too, so that `with read_base():` holds.
    """

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *_: object) -> None: ...


def stand_in(name: str) -> _Named:
    """The stand-in for `name`; the checks of the config know it by its `__name__`."""
    return _Named(name, (StandIn,), {"__module__": "a stand-in of fastbench"})


class AttributeDict(dict[str, Any]):
    """The dicts of imported configs: their items are attributes too, as in the original's."""

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
