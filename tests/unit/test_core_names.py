"""Names of compiled modules: each is one module's, so that any two can be used by a third."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

PACKAGE = Path(__file__).parents[2] / "fastbench"
ROOMS = ["_core", "mock"]
# A function, a struct, an enum or a class at the left margin of a module.
_OWN = re.compile(r"^(?:cdef|cpdef) (?:inline |enum |struct |class |[\w*. ]+?[ *])(\w+)\s*[(:]", re.MULTILINE)
_MEMBERS = re.compile(r"^cdef enum[^:]*:\n((?: .*\n|\n)+)", re.MULTILINE)
_MEMBER = re.compile(r"^ +([A-Z_0-9]+)\b", re.MULTILINE)
_VERBATIM = re.compile(r'^cdef extern from \*:\n    """\n(.*?)^    """', re.MULTILINE | re.DOTALL)
# C that is written inside a module: its functions, macros and types.
_C = re.compile(r"^    (?:static (?:inline )?[\w ]+?[ *]+(\w+)\(|#define (\w+)|typedef .*?\b(\w+);$)", re.MULTILINE)


def sources(room: str) -> dict[str, str]:
    """What each module's files hold together."""
    texts: dict[str, str] = defaultdict(str)
    for path in sorted((PACKAGE / room).rglob("*.p[xy][dx]")):
        texts[path.stem] += path.read_text() + "\n"
    return texts


def c_names(text: str) -> set[str]:
    return {name for block in _VERBATIM.findall(text) for found in _C.findall(block) for name in found if name}


def own_names(text: str) -> set[str]:
    members = {name for block in _MEMBERS.findall(text) for name in _MEMBER.findall(block)}
    return members | {name for name in _OWN.findall(text) if name != "extern"}


@pytest.mark.parametrize("room", ROOMS)
def test_no_two_modules_define_the_same_name(room: str) -> None:
    """Functions, types and constants of Cython and C have one module each within their room."""
    owners: dict[str, set[str]] = defaultdict(set)
    for module, text in sources(room).items():
        for name in c_names(text) | own_names(text):
            owners[name].add(module)
    assert {"_core": "fb_mailbox_take", "mock": "mock_recv"}[room] in owners
    assert len(owners) > 100
    assert {name: sorted(modules) for name, modules in owners.items() if len(modules) > 1} == {}


def test_c_names_tell_their_module() -> None:
    """What C a module of the core holds is named after it, as C has one space of names."""
    for module, text in sources("_core").items():
        assert {name for name in c_names(text) if not name.startswith(f"fb_{module}_")} == set(), module


@pytest.mark.slow
@pytest.mark.parametrize("room", ROOMS)
def test_all_modules_of_a_room_can_be_used_by_one(room: str, tmp_path: Path) -> None:
    """A module that cimports everything of its room is accepted by Cython and by the C compiler."""
    pytest.importorskip("Cython")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    everything = tmp_path / "everything.pyx"
    modules = [path.relative_to(PACKAGE.parent).with_suffix("") for path in sorted((PACKAGE / room).rglob("*.pxd"))]
    everything.write_text("".join(f"from {'.'.join(module.parts)} cimport *\n" for module in modules))
    translate = [sys.executable, "-m", "cython", "-3", "-Werror", "-I", PACKAGE.parent, everything]
    check = [compiler, "-fsyntax-only", "-std=gnu11", f"-I{sysconfig.get_path('include')}", f"-I{np.get_include()}"]
    for command in (translate, [*check, everything.with_suffix(".c")]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
