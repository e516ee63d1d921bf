"""`docs/promises.md` names tests that there are."""

import re
from pathlib import Path

from every import every

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(?:python )?(tests/[\w/]+\.py(?:::\w+)?)", PAGE)))


@every("name", NAMED)
def test_named_tests(name: str) -> None:
    """Each test that the page names stands where it says."""
    file, _, function = name.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not function or f"def {function}(" in text


def test_every_promise() -> None:
    """Each promise has its line, in order, with a test and a figure."""
    rows = re.findall(r"^\| (R\d+) \|(.*)\|$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == [f"R{number}" for number in range(1, 19)]
    for _, row in rows:
        _, tests, figure = row.split(" | ")
        assert "`" in tests
        assert figure.strip()
