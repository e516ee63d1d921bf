"""The lowest versions that `pyproject.toml` allows of what fastbench and its extras need, as arguments for pip.

python tests/lowest.py          click==8.1 numpy==2.0 …
"""

import re
import tomllib
from pathlib import Path

_APART = frozenset({"ray", "all"})
"""Extras that are not tried: a cluster of its own, and the sum of the others."""


def pins() -> list[str]:
    """`name==version` for each; ValueError for a requirement without a lower bound."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (needed for name, needed in project["optional-dependencies"].items() if name not in _APART)
    return [_lowest(needed) for needed in (*project["dependencies"], *(one for extra in extras for one in extra))]


def _lowest(requirement: str) -> str:
    found = re.match(r"([\w-]+)\s*>=\s*([\w.]+)", requirement)
    if found is None:
        raise ValueError(f"{requirement!r} has no lower bound")
    return f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    print(*pins())
