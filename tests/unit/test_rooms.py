"""The rooms of fastbench and their files: imports point only down, go through faces, and form no circle."""

import graphlib
import importlib
import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from every import every
from imports import (
    PACKAGE,
    Import,
    cython_imports,
    defined_in,
    graph,
    imports_of,
    is_module,
    is_package,
    module_of,
    modules_imported,
    public,
    python_imports,
    room_of,
    sources,
)

# Beside its own modules each room may import these rooms, or rooms within them.
ANYWHERE = frozenset(
    {
        "units",
        "errors",
        "installing",
        "registry",
        "lazy",
        "secrets",
        "seeds",
        "slo",
        "structured",
        "text",
        "verdict_limits",
        "__init__",
    }
)
TABLE: dict[str, frozenset[str]] = {
    "_core": frozenset(),
    "errors": frozenset(),
    "installing": frozenset(),
    "lazy": frozenset(),
    "secrets": frozenset({"errors"}),
    "seeds": frozenset(),
    "text": frozenset(),
    "units": frozenset({"errors"}),
    "verdict_limits": frozenset(),
    "registry": frozenset({"errors"}),
    "slo": frozenset({"errors", "units"}),
    "structured": frozenset({"installing"}),
    "config": ANYWHERE,
    "recording": ANYWHERE | {"_core.ring"},
    "tokenizer": ANYWHERE | {"_core.bodies", "config"},
    "datasets": ANYWHERE | {"_core.splice", "config", "tokenizer"},
    "dialects": ANYWHERE | {"_core.bodies", "_core.splice", "_core.wire", "config"},
    "plan": ANYWHERE | {"config", "datasets", "dialects", "recording"},
    "live": ANYWHERE | {"_core.counts"},
    "client": ANYWHERE | {"_core", "config", "dialects", "plan", "recording"},
    "mock": ANYWHERE,
    "metrics": ANYWHERE | {"_core.counts", "plan.shapes", "recording"},
    "run": ANYWHERE
    | {"_core.counts", "client", "config", "datasets", "dialects", "live", "mock", "plan", "recording", "tokenizer"},
    "answers": ANYWHERE | {"metrics", "recording"},
    "report": ANYWHERE | {"answers.comparison", "metrics", "recording"},
    "aisbench": ANYWHERE | {"config"},
    "options": ANYWHERE | {"aisbench", "config", "mock"},
    "vllm_bench": ANYWHERE | {"tokenizer"},
    "api": ANYWHERE
    | {"aisbench", "answers", "client", "config", "datasets", "dialects", "live", "metrics", "mock", "options"}
    | {"plan", "recording", "report", "run", "tokenizer"},
    # What a command does is one call of `api`; beside it the command line draws the view, serves `fastbench mock`, and
    # prints configs (`fastbench config`, `--search`).
    "cli": ANYWHERE | {"aisbench", "api", "config", "live", "mock", "options", "vllm_bench"},
    "__init__": frozenset({"api", "config", "errors", "lazy", "live", "metrics", "mock", "recording", "run"}),
    "__main__": frozenset({"cli"}),
}
# Modules that other rooms import though they are no face, and why.
NO_FACES = {
    ("recording", "_core.ring"): "the layout of a row and its words; `_core` has no face, so that who counts gaps "
    "loads no parser",
    ("client", "_core.ring"): "as for the recording: batches are made and read here",
    ("client", "_core.call"): "the number of a note's kind, beside the struct that has it",
    ("__main__", "cli.main"): "a command's entry is not for others to import",
}
# What tests of no module are about: their names' first words.
NO_MODULES = ("benchmarks", "docs", "examples", "project", "rooms")
MOST_MODULES = 12
MOST_LINES = 600


def allowed(room: str, module: str) -> bool:
    places = TABLE[room] | {room}
    return any(module == place or module.startswith(f"{place}.") for place in places)


def places_of(one: Import) -> list[str]:
    """The modules that an import names: of `from fastbench import …` the rooms, or fastbench's own face."""
    return [one.module] if one.module else [name if is_module(name) else "__init__" for name in one.names]


def past_the_face(room: str, one: Import) -> list[str]:
    """What of an import by a room is no public name of another room's face."""
    module = one.module
    if not module or room_of(module) == room or (room, module) in NO_FACES:
        return []
    if not is_package(module):
        return [module] if "." in module else []
    return [f"{module}.{name}" for name in one.names if name not in public(module)] if one.names else [module]


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle; [] = there is none."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def folders() -> dict[str, set[str]]:
    """Each folder below fastbench and its modules, without its face."""
    found = defaultdict(set)
    for path in sources():
        found[path.parent.relative_to(PACKAGE).as_posix()] |= {path.name.partition(".")[0]} - {"__init__"}
    return found


def faults(find: Callable[[str, Import], list[str]]) -> dict[str, list[str]]:
    """Each source with imports that `find`, given its room and an import, finds fault with."""
    found = {}
    for path in sources():
        room = room_of(module_of(path))
        assert room in TABLE, f"the room {room} has no row in the table"
        if wrong := [name for one in imports_of(path) for name in find(room, one)]:
            found[path.relative_to(PACKAGE).as_posix()] = wrong
    return found


def test_imports_point_only_down() -> None:
    """No module imports from a room that its own room may not know."""
    assert faults(lambda room, one: [place for place in places_of(one) if not allowed(room, place)]) == {}


def test_rooms_are_entered_by_their_faces() -> None:
    """A module imports of another room only public names of the room's face, or of the face of a room within it."""
    assert faults(past_the_face) == {}


def test_the_table_has_no_circle() -> None:
    """The rooms can be put in an order in which each imports only rooms before it."""
    rooms = {room: {place.split(".")[0] for place in places} for room, places in TABLE.items()}
    # fastbench's own face is above all, but its version may be asked for anywhere.
    assert circle_in({room: below - {"__init__"} for room, below in rooms.items()}) == []


def test_the_files_have_no_circle() -> None:
    """No file imports itself through others, be it late inside a function, with names of faces followed home."""
    assert circle_in(graph()) == []


def test_a_circle_is_found() -> None:
    """The search for circles names the modules of one."""
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


def test_names_are_followed_home() -> None:
    """A name of a face leads to the module that defines it, also past two faces and a lazy one."""
    assert defined_in("config", "dump_json") == "config.files.dump"
    assert defined_in("datasets", "Prompt") == "tokenizer.tokenizer"
    assert defined_in("plan", "TaskPlan") == "plan.task_plan"
    assert "plan.task_plan" in set(modules_imported(PACKAGE / "run" / "tasks.py"))


@pytest.mark.parametrize("exception", NO_FACES, ids=" ".join)
def test_each_exception_is_one(exception: tuple[str, str]) -> None:
    """An exception to the rule of faces is still made use of."""
    room, module = exception
    of_room = [path for path in sources() if room_of(module_of(path)) == room]
    assert any(one.module == module for path in of_room for one in imports_of(path))


@every("face", sorted({module_of(path) for path in sources() if path.name == "__init__.py"}))
def test_a_face_has_what_it_promises(face: str) -> None:
    """Each public name of a face is there, what it offers to type checkers is public, and no module has its name."""
    names = public(face.removesuffix("__init__"))
    package = importlib.import_module(".".join(filter(None, ("fastbench", face.removesuffix("__init__")))))
    assert [name for name in names if not hasattr(package, name)] == []
    path = PACKAGE / face.removesuffix("__init__").replace(".", "/") / "__init__.py"
    offered = {name for one in imports_of(path) if one.typing for name in one.names}
    assert offered <= set(names)
    modules = folders()[path.parent.relative_to(PACKAGE).as_posix()]
    assert {name for name in names if name in modules} <= {"tls_message"}, "a module hides the name, or it the module"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from fastbench.cli import main", [Import(0, "fastbench.cli", ("main",))]),
        (
            "from fastbench._core.ring cimport (\n    Row,\n    Ring,\n)",
            [Import(0, "fastbench._core.ring", ("Row", "Ring"))],
        ),
        ("    cimport numpy as np, fastbench.cli", [Import(0, "numpy"), Import(0, "fastbench.cli")]),
        ("from ..config import plan", [Import(2, "config", ("plan",))]),
        ("cdef int important = 1", []),
    ],
)
def test_cython_imports_are_seen(line: str, found: list[Import]) -> None:
    """The reader of Cython sources finds each form of import, also over several lines."""
    assert list(cython_imports(line)) == found


def test_python_imports_are_seen() -> None:
    """The reader of Python sources finds imports inside functions, and tells those for type checkers apart."""
    text = """
        if TYPE_CHECKING:
            from fastbench.plan import Share
        else:
            import fastbench.lazy
        def late():
            from fastbench.run import Stop as S
    """
    assert set(python_imports("if True:\n" + text)) == {
        Import(0, "fastbench.plan", ("Share",), True),
        Import(0, "fastbench.lazy"),
        Import(0, "fastbench.run", ("Stop",)),
    }


@pytest.mark.parametrize(
    ("room", "module"),
    [
        ("config", "cli.main"),
        ("_core", "errors"),
        ("mock", "_core.http"),
        ("metrics", "_core.http"),
        ("run", "cli"),
        ("run", "api"),
        ("api", "cli"),
        ("options", "cli"),
        ("mock", "_core.wire"),
        ("metrics", "_core.wire"),
        ("plan", "cli"),
        ("report", "api"),
        ("metrics", "plan"),
        ("metrics", "answers"),
        ("answers", "run"),
        *(("cli", room) for room in ("client", "datasets", "metrics", "plan", "recording", "report", "run")),
    ],
)
def test_a_wrong_import_is_refused(room: str, module: str) -> None:
    """The table refuses an upward import, and a module of a room of which only another one is free."""
    assert not allowed(room, module)


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (Import(0, "plan.task_plan", ("TaskPlan",)), ["plan.task_plan"]),
        (Import(0, "plan", ("task_plan",)), ["plan.task_plan"]),
        (Import(0, "plan", ("TaskPlan",)), []),
        (Import(0, "plan.shapes", ("LoadShape",)), []),
        (Import(0, "errors", ("UsageError",)), []),
        (Import(0, "plan"), ["plan"]),
    ],
)
def test_a_way_past_the_face_is_refused(one: Import, wrong: list[str]) -> None:
    """Neither a module of another room may be imported nor a name that its face does not have."""
    assert past_the_face("run", one) == wrong


def test_a_unit_tests_name_tells_what_it_tests() -> None:
    """The name of a file of unit tests begins with the path of a module or a room, or says that it is about neither."""
    modules = {module_of(path).lstrip("_").replace(".", "_") for path in sources()}
    stems = [path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")]
    tested = {stem: [name for name in modules if f"{stem}_".startswith(f"{name}_")] for stem in stems}
    assert [stem for stem, found in tested.items() if not found and stem.partition("_")[0] not in NO_MODULES] == []


def test_files_are_small() -> None:
    """No source file has more than 600 lines, and half of them have at most 150."""
    code = [path for path in sources() if path.suffix in (".py", ".pyx")]
    lines = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in code}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
    assert statistics.median(lines.values()) <= 150


def test_folders_are_small() -> None:
    """No folder has more than a dozen modules beside its face."""
    assert {folder: sorted(names) for folder, names in folders().items() if len(names) > MOST_MODULES} == {}
