"""Registries of what fastbench can be extended by."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastbench.errors import ConfigError
from fastbench.registry import DIALECTS, Registry, dialect_names, look_again

KIND = "pathlib:PurePosixPath"


def registry(group: str = "fastbench.test_things") -> Registry[object]:
    return Registry(group, "thing", KIND, {"here": "pathlib:PurePosixPath", "there": "os:sep"})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package with six things, of which one is of the kind."""
    module = "import pathlib\ngood = pathlib.PurePosixPath('/good')\nwrong = 3\n"
    (tmp_path / "plugged_things.py").write_text(module)
    (tmp_path / "plugged_broken.py").write_text("raise RuntimeError('not\\n  today')\n")
    (tmp_path / "plugged_leaving.py").write_text("import sys\nsys.exit(3)\n")
    info = tmp_path / "plugged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    points = (
        "good = plugged_things:good",
        "other = plugged_things:good",
        "wrong = plugged_things:wrong",
        "broken = plugged_broken:x",
        "leaving = plugged_leaving:x",
        "kind = pathlib:PurePosixPath",
    )
    lines = "\n".join(("[fastbench.test_things]", *points, "here = plugged_things:good"))
    (info / "entry_points.txt").write_text(lines)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    look_again()
    yield tmp_path
    look_again()
    for name in ("plugged_things", "plugged_broken", "plugged_leaving"):
        sys.modules.pop(name, None)


def test_its_own_come_by_their_module() -> None:
    """A name leads to what the module has under the name that stands behind the colon."""
    import pathlib

    assert registry().get("here") is pathlib.PurePosixPath


def test_those_of_packages_come_by_their_entry_points(package: Path) -> None:
    """What a package's entry point leads to is found by its name, behind fastbench's own, which it cannot replace."""
    things = registry()
    assert things.names() == ("here", "there", "broken", "good", "kind", "leaving", "other", "wrong")
    assert str(things.get("good")) == "/good"
    assert things.get("here") is not things.get("good")
    assert "good" in things
    assert "better" not in things


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hear", "there is no thing hear; did you mean here?"),
        ("zzz", "there is no thing zzz; there are here, there, broken, good, kind, leaving, other, wrong"),
        ("wrong", "the thing wrong of the package plugged is int, and must be pathlib.PurePosixPath; fix the package"),
        ("other", "the thing other of the package plugged is named good; give it and its entry point the same name"),
        ("broken", r"the thing broken of the package plugged cannot be loaded \(RuntimeError: not today\); fix the"),
        ("leaving", r"the thing leaving of the package plugged cannot be loaded \(SystemExit: 3\); fix the package"),
        (
            "kind",
            "the thing kind of the package plugged is the class PurePosixPath, and must be pathlib.PurePosixPath;",
        ),
    ],
)
def test_what_cannot_be_had_is_told(package: Path, name: str, words: str) -> None:
    """A name that there is not, a thing of another kind and a package that raises are one sentence each."""
    with pytest.raises(ConfigError, match=words):
        registry().get(name)


def test_an_object_is_no_class(package: Path) -> None:
    """Where the things of a registry are classes, an object of one is refused, and the class itself is not."""
    things: Registry[object] = Registry("fastbench.test_things", "thing", KIND, {}, classes=True)
    told = "the thing good of the package plugged is an object of PurePosixPath, and must be a subclass of pathlib.Pure"
    with pytest.raises(ConfigError, match=told):
        things.get("good")
    with pytest.raises(ConfigError, match=r"^the thing kind of the package plugged is named "):
        things.get("kind")


def test_what_loads_and_what_does_not(package: Path) -> None:
    """Those that can be had are there although others are broken, each of which is told on one line."""
    found, faults = registry().loaded()
    assert list(found) == ["here", "there", "good"]
    assert [fault.split()[2] for fault in faults] == ["broken", "kind", "leaving", "other", "wrong"]
    assert not any("\n" in fault for fault in faults)


def test_a_function_of_a_package_is_guarded(package: Path) -> None:
    """What a package's function raises is told with its package; Ctrl-C goes through, and so does an own function."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    def broken() -> None:
        raise OSError("no\nroom")

    things = registry()
    told = "the thing good of the package plugged cannot do it (OSError: no room); fix the package or uninstall it"
    with pytest.raises(ConfigError, match=f"^{re.escape(told)}$"):
        things.guarded("good", "cannot do it", broken)()
    with pytest.raises(KeyboardInterrupt):
        things.guarded("good", "cannot do it", interrupted)()
    assert things.guarded("here", "cannot do it", broken) is broken


def test_a_name_of_fastbenchs_own_is_not_a_packages(package: Path) -> None:
    """Who asks by name for one that a package claims too is told so; the others go on with fastbench's own."""
    things = registry()
    told = "the thing here of the package plugged has the name of one of fastbench's own; rename it there, or uninstall"
    with pytest.raises(ConfigError, match=told):
        things.chosen("here")
    assert [fault[: len(told)] for fault in things.claims()] == [told]
    assert things.chosen("there") == things.get("there")


def test_a_name_of_two_packages_is_neither(package: Path) -> None:
    """Where two packages bring one name, both are named, and none is taken."""
    second = package / "second-1.0.dist-info"
    second.mkdir()
    (second / "METADATA").write_text("Metadata-Version: 2.1\nName: second\nVersion: 1.0\n")
    (second / "entry_points.txt").write_text("[fastbench.test_things]\ngood = plugged_things:good\n")
    importlib.invalidate_caches()
    look_again()
    with pytest.raises(ConfigError, match=r"the thing good is in several packages, (plugged and second|second and pl)"):
        registry().get("good")


def test_a_group_without_packages_has_its_own_alone() -> None:
    """Without a package that brings one there are fastbench's own."""
    assert registry("fastbench.no_such_group").names() == ("here", "there")


def test_the_names_of_dialects() -> None:
    """Each dialect is known by its own name, which is the registry's, and by its short ones, behind all names."""
    names = dialect_names()
    assert tuple(names)[: len(DIALECTS.names())] == DIALECTS.names()
    assert [dialect.name for dialect in DIALECTS] == list(DIALECTS.names())
    short = {alias: name for alias, name in names.items() if alias != name}
    assert short == {
        "chat": "openai_chat",
        "completions": "openai_completions",
        "tgi": "tgi_generate",
        "triton": "triton_generate",
        "mindie": "mindie_infer",
    }
