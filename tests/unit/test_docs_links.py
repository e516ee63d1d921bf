"""Links between README, docs and the files beside them lead somewhere."""

import re
from functools import cache
from pathlib import Path

from doc_pages import PAGES
from nursery import ROOT


def prose(page: Path) -> str:
    """The page without what is shown as it stands: fenced blocks and code within lines."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^ {4}.*$|(?<!\[)`[^`\n]*`(?!\])", "", text, flags=re.MULTILINE)


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = [
        re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in re.findall(r"^#+ (.*)$", text, re.M)
    ]
    return {head if not (before := heads[:at].count(head)) else f"{head}-{before}" for at, head in enumerate(heads)}


def leads_nowhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return True
    return bool(anchor) and anchor not in anchors(target)


def test_every_link_leads_somewhere() -> None:
    """Each relative link has its file, and each anchor its heading."""
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(page))]
    assert len(links) > 150
    assert [f"{page.name}: {link}" for page, link in links if leads_nowhere(page, link)] == []


def test_a_link_that_leads_nowhere_is_seen() -> None:
    """A file that is not there, and a heading that is not there, are told."""
    readme = ROOT / "README.md"
    assert [
        leads_nowhere(readme, link) for link in ("docs/none.md", "docs/metrics.md#none", "docs/metrics.md#verdict")
    ] == [
        True,
        True,
        False,
    ]


def test_every_page_is_reached() -> None:
    """The site's menu has each page once."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^[a-z-]+$", index, re.MULTILINE)
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert sorted(listed) == sorted(pages)


def test_the_readme_is_short() -> None:
    """README has at most 200 lines: what is longer belongs into docs."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200
