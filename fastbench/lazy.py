"""Faces of rooms that import a module when one of its names is first asked for: help must not wait for numpy."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(face: str, modules: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    face: the package's name. modules: which names each of its modules has, the module's name without the package's.
    """
    module_of = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {face!r} has no attribute {name!r}")
        value = getattr(import_module(f"{face}.{module_of[name]}"), name)
        setattr(sys.modules[face], name, value)
        return value

    return get
