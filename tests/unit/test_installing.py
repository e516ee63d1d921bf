"""`installing.py`: what users are told to install is fastbench's own package, with extras that it has."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastbench.installing import DISTRIBUTION, install

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = frozenset(PROJECT["optional-dependencies"])

INSTALLS = re.compile(r"""\b(?:pip3?|pipx|uv)(?:\s+tool)?\s+(?:install|download|run)\b[^\n;&|]*|\buvx\s[^\n;&|]*""")
STRANGER = re.compile(r"""(?<![\w./:@-])fastbench(?![\w./-])""")
"""The name as a requirement: neither part of another name nor of a path or an address."""


def told(text: str) -> Iterator[str]:
    """The commands in a text that would install the package of another project."""
    yield from (found[0] for found in INSTALLS.finditer(text) if STRANGER.search(found[0].split("#")[0]))


def texts() -> Iterator[Path]:
    """All that a user may read: sources, documents, examples and what stands at the top."""
    top = (path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".cov"))
    below = (path for name in ("fastbench", "docs", "examples", ".github") for path in (ROOT / name).rglob("*"))
    kinds = {"", ".md", ".py", ".toml", ".yml", ".yaml", ".sh"}
    yield from (path for path in (*top, *below) if path.suffix in kinds and path.is_file())


def test_the_name_is_that_of_the_package() -> None:
    """The constant, pyproject.toml and the extra `all` have one name."""
    assert PROJECT["name"] == DISTRIBUTION
    (everything,) = PROJECT["optional-dependencies"]["all"]
    assert everything.startswith(f"{DISTRIBUTION}[")


def test_nobody_is_told_to_install_the_package_of_another_project() -> None:
    """No message and no document names `fastbench` to pip, pipx or uv."""
    wrong = {
        path.relative_to(ROOT).as_posix(): list(told(path.read_text(encoding="utf-8", errors="replace")))
        for path in texts()
    }
    assert {path: commands for path, commands in wrong.items() if commands} == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("pip install fastbench", True),
        ('pip install -U "fastbench[ray] @ git+https://host/o/fastbench"', True),
        ("uv tool install fastbench==0.2", True),
        (install("ray"), False),
        ("pip install 'fastbench-llm @ git+https://host/o/fastbench'", False),
        ("pip install . && .venv/bin/fastbench perf", False),
        ("pip install ./dist/fastbench_llm-0.2.0.whl  # then fastbench is there", False),
    ],
)
def test_how_that_is_seen(text: str, wrong: bool) -> None:
    """A command with the bare name is found; one with the right name, a path or an address that ends in it is not."""
    assert bool(list(told(text))) is wrong


def test_hints_name_extras_that_exist() -> None:
    """Each call of `install` in the package names an extra of pyproject.toml, and so does each command in brackets."""
    named = set()
    for path in texts():
        text = path.read_text(encoding="utf-8", errors="replace")
        named |= {
            extra for found in re.findall(rf"(?:{DISTRIBUTION}|'\.)\[([\w,]+)\]", text) for extra in found.split(",")
        }
        if path.suffix == ".py" and "fastbench.installing import" in text:
            calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
            named |= {ast.literal_eval(call.args[0]) for call in calls if getattr(call.func, "id", "") == "install"}
    assert named - EXTRAS == set()
    assert {"tokenizer", "hdr", "parquet", "ray", "schema"} <= named
