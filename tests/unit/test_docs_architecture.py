"""`docs/architecture.md` says what the code is."""

import re
from pathlib import Path

import pytest
from imports import PACKAGE, graph, is_package, module_of, sources
from test_rooms import ANYWHERE, TABLE

from fastbench.registry import DATASETS, DIALECTS, METRICS, SHAPES

PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
MOST_FILES = 15
EVERYTHING = "everything below but `_core`"


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def rooms_in(cell: str) -> list[str]:
    return [name.removesuffix(".py") for name in re.findall(r"`([\w.]+?)/?`", cell)]


WAY = [(file.strip("`"), name.strip("`")) for file, name, _ in rows("Before the first byte")]


def test_every_room_has_its_row() -> None:
    """The table names each room of fastbench once, and no other; the API's may be ahead of its code."""
    named = [room for _, cell, *_ in rows("Rooms, top to bottom") for room in rooms_in(cell)]
    there = {module_of(path).split(".")[0] for path in sources()} - {"__init__", "__main__"}
    assert len(named) == len(set(named))
    assert set(named) - {"api"} == there - {"api"}


@pytest.mark.parametrize("row", [row for row in rows("Rooms, top to bottom") if row[0] != "1"], ids=lambda row: row[1])
def test_what_a_room_may_import(row: list[str]) -> None:
    """A row says what the table of imports says, and a room stands above those that it may import."""
    floors = {room: int(floor) for floor, cell, *_ in rows("Rooms, top to bottom") for room in rooms_in(cell)}
    (room,) = rooms_in(row[1])
    may = TABLE[room] - ANYWHERE
    assert all(floors[place.split(".")[0]] < int(row[0]) for place in may)
    if row[3] == EVERYTHING:
        below = {name for name, floor in floors.items() if floor < int(row[0])}
        assert may == below - ANYWHERE - {"_core"}
    else:
        assert set(re.findall(r"[\w.]+", row[3])) == may


def test_few_files_before_the_first_byte() -> None:
    """A request passes through at most fifteen files until its first byte is sent."""
    assert 10 < len(WAY) <= MOST_FILES


@pytest.mark.parametrize(("file", "name"), WAY)
def test_the_way_to_the_first_byte(file: str, name: str) -> None:
    """Each file on the way is there, has the function that is named, and is imported from the command on."""
    text = (PACKAGE / file).read_text(encoding="utf-8")
    assert re.search(rf"^ *(async )?(def|c(p)?def [\w* ]+) {name}\(", text, re.MULTILINE)
    reached, found = set(), [module_of(PACKAGE / WAY[0][0])]
    while found:
        module = found.pop()
        if module not in reached:
            reached.add(module)
            found += graph().get(module, ())
    assert module_of(PACKAGE / file) in reached


def assert_places_are_there(text: str) -> None:
    """Each file and folder that a cell names; a name alone is of the folder before it."""
    folder = Path()
    for place in re.findall(r"`([\w/]+(?:/|\.pyx?))`", text):
        path = PACKAGE / place if "/" in place else PACKAGE / folder / place
        folder = path if place.endswith("/") else path.parent
        assert path.is_file() or is_package(place.rstrip("/").replace("/", ".")), place


@pytest.mark.parametrize("row", rows("To change … open …"), ids=lambda row: row[0])
def test_where_things_are_changed(row: list[str]) -> None:
    """The files that are to be opened are there."""
    assert_places_are_there(row[1])


@pytest.mark.parametrize("row", rows("To add … touch …"), ids=lambda row: row[0])
def test_where_things_are_added(row: list[str]) -> None:
    """The files that are to be touched are there, and so are the registries with their entry points."""
    _, touch, registry, group = row
    assert_places_are_there(touch)
    registries = {"DIALECTS": DIALECTS, "DATASETS": DATASETS, "SHAPES": SHAPES, "METRICS": METRICS}
    for name, file in re.findall(r"`(\w+)` in `([\w/]+\.py)`", registry):
        assert re.search(rf"^{name}\b.* = ", (PACKAGE / file).read_text(encoding="utf-8"), re.MULTILINE)
        assert name not in registries or group == f"`{registries[name].group}`"
