"""The site of these pages: `make docs` builds it, and fails at a link or an anchor that leads nowhere."""

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
ABOVE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Files above `docs` that are pages of the site."""
VERSION = re.compile(r'^__version__ = "(.+)"$', re.M)

project = "fastbench"
(release,) = VERSION.findall((ROOT / "fastbench/__init__.py").read_text(encoding="utf-8"))
html_title = f"fastbench {release}"
extensions = ["myst_parser"]
exclude_patterns = ["conf.py"]
# As on GitHub, whose anchors these are; Sphinx's own search needs no network, and works from a file.
myst_heading_anchors = 4
html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "default"
# An indented block is a command or what is printed: nothing there is to be coloured as Python.
highlight_language = "none"


def without_folders(markdown: str) -> str:
    """The page with its links to this repository's folders as plain text: a site has no page for a folder."""

    def linked(found: re.Match[str]) -> str:
        return found[1] if (DOCS / found[2]).resolve().is_dir() else found[0]

    return re.sub(r"\[([^]\n]*)\]\(([^)#\s]+)\)", linked, markdown)


def read(app: Any, name: str, source: list[str]) -> None:
    """README and its like stand above `docs`; links from and to them become those of pages in it."""
    for above in re.findall(r"^<!-- the page is \.\./(\S+) -->$", source[0], re.MULTILINE):
        text = (ROOT / above).read_text(encoding="utf-8")
        text = re.sub(r"\]\((?!https?:|#|docs/)([^)\s]+)\)", r"](../\1)", text).replace("](docs/", "](")
        app.env.note_dependency(str(ROOT / above))
        source[0] = source[0].replace(f"<!-- the page is ../{above} -->", text)
    for above, page in ABOVE.items():
        source[0] = source[0].replace(f"](../{above})", f"]({page})")
    source[0] = without_folders(source[0])


def setup(app: Any) -> None:
    """Sphinx's own entry."""
    app.connect("source-read", read)
