"""The import table of the rooms: an import points only down."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "fastbench"
SUFFIXES = (".py", ".pyi", ".pyx", ".pxd")

# Beside its own modules each room may import these rooms, or modules of them.
ANYWHERE = frozenset({"units", "errors", "registry", "__init__"})
TABLE: dict[str, frozenset[str]] = {
    "_core": frozenset(),
    "errors": frozenset(),
    "units": frozenset({"errors"}),
    "registry": frozenset({"errors"}),
    "__init__": frozenset(),
    "config": ANYWHERE,
    "recording": ANYWHERE | {"_core.ring"},
    "datasets": ANYWHERE | {"config"},
    "backends": ANYWHERE | {"config", "_core"},
    "client": ANYWHERE | {"config", "backends", "recording", "_core"},
    "metrics": ANYWHERE | {"recording", "_core.hdr", "_core.moves", "_core.ring", "_core.timeline"},
    "load": ANYWHERE | {"config", "client", "datasets", "recording", "_core.hdr"},
    "dashboard": ANYWHERE,
    "report": ANYWHERE | {"metrics", "recording"},
    "fleet": ANYWHERE | {"config", "load", "client", "backends", "datasets", "recording", "dashboard", "mock"},
    "mock": ANYWHERE,
    "cli": ANYWHERE
    | {"_core", "backends", "client", "config", "dashboard", "datasets", "fleet", "load", "metrics", "mock"}
    | {"recording", "report"},
    "__main__": frozenset({"cli"}),
}
_CYTHON_IMPORT = re.compile(r"\s*(?:from\s+([\w.]+)\s+c?import\s+(.+)|c?import\s+([\w., ]+))")


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*") if path.suffix in SUFFIXES)


def module_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE.parent).with_suffix("").parts


def room_of(path: Path) -> str:
    return module_of(path)[1]


def python_imports(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """(level, module, names) of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]


def cython_imports(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """As `python_imports`, for `cimport` and `import` lines; names in brackets may fill several lines."""
    lines = re.sub(r"\(([^()]*)\)", lambda match: " ".join(match[1].split()), text).splitlines()
    for match in filter(None, map(_CYTHON_IMPORT.match, lines)):
        if match[1]:
            bare = match[1].lstrip(".")
            names = [name.split()[0] for name in match[2].split(",") if name.strip()]
            yield len(match[1]) - len(bare), bare, names
        else:
            yield from ((0, name.split()[0], []) for name in match[3].split(",") if name.strip())


def imported(path: Path) -> Iterator[str]:
    """What the file imports of fastbench, below the package: `config.plan`, `_core.ring.Batch`, …"""
    read = python_imports if path.suffix in (".py", ".pyi") else cython_imports
    for level, module, names in read(path.read_text(encoding="utf-8")):
        base = ".".join(module_of(path)[:-level]) + (f".{module}" if module else "") if level else module
        if base.split(".")[0] != "fastbench":
            continue
        inside = base.removeprefix("fastbench").lstrip(".")
        if inside:
            yield inside
        else:
            yield from (name if is_room(name) else "__init__" for name in names)


def is_room(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def allowed(room: str, module: str) -> bool:
    places = TABLE[room] | {room}
    return any(module == place or module.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_only_down(path: Path) -> None:
    """No module imports from a room that its own room may not know."""
    room = room_of(path)
    assert room in TABLE, f"the room {room} has no row in the table"
    assert [module for module in imported(path) if not allowed(room, module)] == []


def test_the_table_has_no_circle() -> None:
    """The rooms can be put in an order in which each imports only rooms before it."""
    below = {room: {place.split(".")[0] for place in places} for room, places in TABLE.items()}
    while below:
        lowest = {room for room, places in below.items() if not places & below.keys() - {room}}
        assert lowest, f"these rooms import each other: {sorted(below)}"
        below = {room: places for room, places in below.items() if room not in lowest}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from fastbench.cli import main", [(0, "fastbench.cli", ["main"])]),
        (
            "from fastbench._core.ring cimport (\n    Row,\n    Ring,\n)",
            [(0, "fastbench._core.ring", ["Row", "Ring"])],
        ),
        ("    cimport numpy as np, fastbench.cli", [(0, "numpy", []), (0, "fastbench.cli", [])]),
        ("from ..config import plan", [(2, "config", ["plan"])]),
        ("cdef int important = 1", []),
    ],
)
def test_cython_imports_are_seen(line: str, found: list[tuple[int, str, list[str]]]) -> None:
    """The reader of Cython sources finds each form of import, also over several lines."""
    assert list(cython_imports(line)) == found


@pytest.mark.parametrize(
    ("room", "module"),
    [
        ("config", "cli.main"),
        ("_core", "errors"),
        ("mock", "_core.http"),
        ("metrics", "_core.http"),
        ("load", "cli"),
    ],
)
def test_a_wrong_import_is_refused(room: str, module: str) -> None:
    """The table refuses an upward import, and a module of a room of which only another one is free."""
    assert not allowed(room, module)


def test_files_are_small() -> None:
    """No source file has more than 600 lines, and half of them have at most 120."""
    code = [path for path in sources() if path.suffix in (".py", ".pyx")]
    lines = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in code}
    assert {name: count for name, count in lines.items() if count > 600} == {}
    assert statistics.median(lines.values()) <= 120
