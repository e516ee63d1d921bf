"""The frame of a page: one file that needs no other, with plotly.js, the page's own scripts and its data."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench.errors import UsageError

_STYLES = "page.css"
_SHARED = ("unpack.js", "levels.js", "theme.js", "chart.js")
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
THEME_BUTTON = "<button id=theme type=button>Light / dark</button>"
_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32")
_RAW = -15
"""zlib's way to say: without a header, as the browser's "deflate-raw"."""


class Figure(NamedTuple):
    """A place for a chart. key: its id, by which the scripts find it. note: what one should know to read it.

    choices: what its selector offers.
    """

    key: str
    title: str
    note: str = ""
    height: int = 320
    choices: tuple[str, ...] = ()


def figure(place: Figure) -> str:
    """A chart's place."""
    options = "".join(f"<option>{escape(name)}</option>" for name in place.choices)
    picker = f'<select id="{place.key}-choice" aria-label="{escape(place.title)}">{options}</select>' if options else ""
    note = f"<p class=note>{escape(place.note)}</p>" if place.note else ""
    return (
        f'<section class=figure><h2>{escape(place.title)} {picker}</h2>{note}<div class=plot id="{place.key}" '
        f'style="height:{place.height}px"></div></section>'
    )


def document(title: str, body: str, data: dict[str, Any], scripts: Sequence[str]) -> bytes:
    """The whole file. body: HTML. data: what the scripts draw, as JSON can hold it. scripts: assets, in order.

    UsageError without the package plotly.
    """
    own = "\n".join(asset(name) for name in (*_SHARED, *scripts))
    # "<" cannot end the element that holds the data.
    held = msgspec.json.encode(data).replace(b"<", b"\\u003c").decode("utf-8")
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            f'<head><meta charset="utf-8"><title>{escape(title)}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{asset(_STYLES)}</style></head>",
            f"<body>{body}",
            f'<script type="application/json" id="data">{held}</script>',
            f"<script>{_plotly_js()}</script>",
            f'<script>"use strict";(() => {{\n{own}\n}})();</script>',
            "</body></html>\n",
        )
    ).encode("utf-8")


def _plotly_js() -> str:
    """What `plotly.offline.get_plotlyjs` gives; importing plotly for it would take longer than writing a page."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("the report page needs the package plotly: pip install plotly, or leave it out by --no-plot")
    return Path(spec.submodule_search_locations[0], "package_data", "plotly.min.js").read_text(encoding="utf-8")


def asset(name: str) -> str:
    """A script or style sheet of the page."""
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def pack(values: NDArray[Any], *, rising: bool = False) -> dict[str, Any]:
    """A column of integers in the smallest type that holds them, byte planes apart, deflated, in base64.

    values: (n,), between -2**53 and 2**53. rising: what is kept is each value's distance from the one before.
    """
    column = np.asarray(values, np.int64)
    if rising:
        column = np.diff(column, prepend=0)
    kind = _smallest(column)
    planes = column.astype(kind).view(np.uint8).reshape(column.size, np.dtype(kind).itemsize).T
    deflate = zlib.compressobj(6, zlib.DEFLATED, _RAW)
    packed = deflate.compress(np.ascontiguousarray(planes).data) + deflate.flush()
    return {"type": kind, "count": column.size, "rising": rising, "data": base64.b64encode(packed).decode("ascii")}


def _smallest(column: NDArray[np.int64]) -> str:
    if not column.size:
        return _TYPES[0]
    low, high = int(column.min()), int(column.max())
    fitting = (name for name in _TYPES if np.iinfo(name).min <= low and high <= np.iinfo(name).max)
    return next(fitting, "float64")
