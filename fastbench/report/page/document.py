"""The frame of a page: one file that needs no other, with plotly.js, the page's own scripts and its data.

plotly.js is its reduced bundle for charts with two axes (npm: plotly.js-cartesian-dist-min), kept deflated among the
assets, and written so into a page: a third of the size of the whole one, and inflated after the first paint.
"""

from __future__ import annotations

import base64
import functools
import zlib
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

_STYLES, _DARK = "page.css", "dark.css"
_SHARED = ("unpack.js", "levels.js", "theme.js", "chart.js")
_PLOTLY = "plotly-cartesian.min.js.gz"
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
THEME_BUTTON = "<button id=theme type=button>Light / dark</button>"
_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32")
_RAW = -15
"""zlib's way to say: without a header, as the browser's "deflate-raw"."""


class Figure(NamedTuple):
    """A place for a chart. key: its id, by which the scripts find it. finding: what the chart shows, in a sentence;
    note: what one should know to read it. choices: what its selector offers. below: HTML.
    """

    key: str
    title: str
    note: str = ""
    height: int = 320
    choices: tuple[str, ...] = ()
    finding: str = ""
    below: str = ""


def figure(place: Figure) -> str:
    """A chart's place. What it shows stands above it, and is its alternative where it cannot be seen."""
    options = "".join(f"<option>{escape(name)}</option>" for name in place.choices)
    picker = f'<select id="{place.key}-choice" aria-label="{escape(place.title)}">{options}</select>' if options else ""
    note = f"<p class=note>{escape(place.note)}</p>" if place.note else ""
    told = escape(f"{place.title}. {place.finding}".strip())
    return (
        f'<section class=figure id="{place.key}-section">{titled(place.title, place.finding, picker)}{note}'
        f'<div class=plot id="{place.key}" role="img" aria-label="{told}" style="height:{place.height}px"></div>'
        f"{place.below}</section>"
    )


def titled(topic: str, finding: str = "", picker: str = "") -> str:
    """A heading: what it is about, and what was found, where there is something to say. picker: HTML."""
    about = f"<span class=topic>{escape(topic)}</span>" if finding else escape(topic)
    heading = f"<h2>{about}{escape(finding.removesuffix('.') if finding.count('. ') == 0 else finding)}</h2>"
    return f"<div class=heading>{heading}{picker}</div>" if picker else heading


def document(
    title: str,
    body: str,
    data: dict[str, Any],
    scripts: Sequence[str],
    *,
    charts: bool = True,
    foot: str = "",
    styles: Sequence[str] = (),
) -> bytes:
    """The whole file. body: HTML. data: what the scripts draw, as JSON can hold it. scripts: assets, in order. charts:
    whether there are any that a script draws. foot: what stands at the bottom of each printed page, as the title does
    at its top. styles: assets, beside those of all pages."""
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
            f"<style>{_styles(title, foot, styles)}</style></head>",
            f"<body>{body}",
            f'<script type="application/json" id="data">{held}</script>',
            f'<script type="application/gzip" id="plotly">{_plotly_js()}</script>' if charts else "",
            f'<script>"use strict";(() => {{\n{own}\n}})();</script>',
            "</body></html>\n",
        )
    ).encode("utf-8")


def _styles(title: str, foot: str, more: Sequence[str]) -> str:
    """Dark where the system is, unless the button said otherwise; on paper always light."""
    dark = asset(_DARK)
    return "\n".join(
        (
            asset(_STYLES),
            *map(asset, more),
            f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{\n{dark}}} }}",
            f"@media screen {{ :root[data-theme=dark] {{\n{dark}}} }}",
            "@page { size: A4 landscape; margin: 14mm 10mm 12mm; font: 9px sans-serif; color: #555;",
            f"@top-left {{ content: {_css_text(title)}; }} @bottom-left {{ content: {_css_text(foot)}; }}",
            '@bottom-right { content: counter(page) " / " counter(pages); } }',
        )
    )


def _css_text(text: str) -> str:
    """A string of a style sheet that cannot end it, nor the element that holds it."""
    return '"' + "".join(char if char.isalnum() or char in " .,:;/-" else f"\\{ord(char):x} " for char in text) + '"'


@functools.cache
def _plotly_js() -> str:
    """Base64 of the deflated script, which inflates by `loadPlotly`."""
    packed = files(__package__).joinpath("assets", _PLOTLY).read_bytes()
    return base64.b64encode(packed).decode("ascii")


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
