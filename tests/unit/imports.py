"""Who imports what in fastbench: every import of its sources, read from their text."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[2] / "fastbench"
SUFFIXES = (".py", ".pyi", ".pyx", ".pxd")
_PYTHON_IMPORT = re.compile(r"\s*(?:from|import)\b")
_CYTHON_IMPORT = re.compile(r"\s*(?:from\s+([\w.]+)\s+c?import\s+(.+)|c?import\s+([\w., ]+))")


class Import(NamedTuple):
    """`from module import names` or, without names, `import module`. typing: it stands under TYPE_CHECKING."""

    level: int
    module: str
    names: tuple[str, ...] = ()
    typing: bool = False


@cache
def sources() -> tuple[Path, ...]:
    """All of fastbench's sources but AISBench's presets, which are configs."""
    found = (path for path in PACKAGE.rglob("*") if path.suffix in SUFFIXES and "presets" not in path.parts)
    return tuple(sorted(found))


def module_of(path: Path) -> str:
    """fastbench/run/tasks.py → run.tasks; a package's `__init__` has the package's name, fastbench's own "__init__"."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and parts[:-1] else parts)


def room_of(module: str) -> str:
    """The first word of a module's name."""
    return module.partition(".")[0]


def python_imports(text: str) -> Iterator[Import]:
    """Every import, wherever in the file it stands: each begins a line, as the lint wants it."""
    for node, typing in statements(parsed_to_the_last_import(text).body):
        if isinstance(node, ast.Import):
            yield from (Import(0, alias.name, (), typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.level, node.module or "", names, typing)


def parsed_to_the_last_import(text: str) -> ast.Module:
    """The file's first part, behind which no line can be an import; to parse all of it takes four times as long."""
    lines = text.splitlines()
    last = max((number for number, line in enumerate(lines) if _PYTHON_IMPORT.match(line)), default=-1)
    # To the next line that begins a statement of the file itself.
    ends = (number for number in range(last + 1, len(lines)) if re.match(r"[\w@]", lines[number]))
    try:
        return ast.parse("\n".join(lines[: next(ends, len(lines))]))
    except SyntaxError:  # that line was within a text, or it goes on with `else` or `except`
        return ast.parse(text)


def statements(nodes: Iterable[ast.AST], typing: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """These and all within them; and whether each stands under TYPE_CHECKING. Expressions, which are most of a file,
    are not looked into."""
    for node in nodes:
        yield node, typing
        for part in ("body", "handlers", "cases", "orelse", "finalbody"):
            under = isinstance(node, ast.If) and part == "body" and getattr(node.test, "id", "") == "TYPE_CHECKING"
            yield from statements(getattr(node, part, ()), typing or under)


def cython_imports(text: str) -> Iterator[Import]:
    """As `python_imports`, for `cimport` and `import` lines; names in brackets may fill several lines."""
    lines = re.sub(r"\(([^()]*)\)", lambda match: " ".join(match[1].split()), text).splitlines()
    for match in filter(None, map(_CYTHON_IMPORT.match, lines)):
        if match[1]:
            bare = match[1].lstrip(".")
            names = tuple(name.split()[0] for name in match[2].split(",") if name.strip())
            yield Import(len(match[1]) - len(bare), bare, names)
        else:
            yield from (Import(0, name.split()[0]) for name in match[3].split(",") if name.strip())


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    """What a file imports of fastbench; the modules are named as `module_of` does."""
    read = python_imports if path.suffix in (".py", ".pyi") else cython_imports
    found = []
    for one in read(path.read_text(encoding="utf-8")):
        base = one.module
        if one.level:
            base = ".".join((*path.relative_to(PACKAGE.parent).parts[: -one.level], *filter(None, [one.module])))
        if base.split(".")[0] == "fastbench":
            found.append(one._replace(level=0, module=base.removeprefix("fastbench").lstrip(".")))
    return tuple(found)


@cache
def is_module(name: str) -> bool:
    """Whether there is a module or a package of this name."""
    path = PACKAGE / name.replace(".", "/")
    return bool(name) and (is_package(name) or any(path.with_suffix(suffix).is_file() for suffix in SUFFIXES))


@cache
def is_package(name: str) -> bool:
    """Whether there is a package of this name."""
    return (PACKAGE / name.replace(".", "/") / "__init__.py").is_file()


@cache
def public(package: str) -> tuple[str, ...]:
    """The names of a package's face: its `__all__`."""
    tree = ast.parse((PACKAGE / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return tuple(ast.literal_eval(node.value))
    return ()


@cache
def defined_in(package: str, name: str) -> str:
    """The module that `from package import name` leads to, past the faces that hand the name on."""
    if is_module(full := ".".join(filter(None, (package, name)))):
        return full
    if not package:
        return "__init__"
    if is_package(package):
        for one in imports_of(PACKAGE / package.replace(".", "/") / "__init__.py"):
            if name in one.names and one.module != package:
                return defined_in(one.module, name)
    return package


def modules_imported(path: Path) -> Iterator[str]:
    """The modules whose code a file needs, faces passed; not what is under TYPE_CHECKING alone."""
    for one in imports_of(path):
        if not one.typing:
            yield from (defined_in(one.module, name) for name in one.names) if one.names else [one.module]


@cache
def graph() -> dict[str, set[str]]:
    """Each module and the modules that it imports; a Cython module has the imports of its .pyx and its .pxd."""
    found: dict[str, set[str]] = {}
    for path in sources():
        if path.suffix != ".pyi":
            module = module_of(path)
            found.setdefault(module, set()).update(name for name in modules_imported(path) if name != module)
    return found
