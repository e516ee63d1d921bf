"""What all users of a service get against what one of them gets: a point for each load."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from fastbench.report.page.document import titled
from fastbench.report.page.svg import HEAD, linear
from fastbench.report.sentence import PER_USER
from fastbench.units import number

LEAST = 3
"""Fewer points show no course."""
_FRONTIER_HIGH = 300
_LABEL_HIGH, _LABEL_WIDE = 14, 30
"""What a label takes: px, and per cent of the width."""


class Point(NamedTuple):
    """One of a chart of points. series: by which it is joined to others."""

    x: float
    y: float
    label: str
    series: str


def frontier(points: Sequence[Point], series: Sequence[str], most: Point | None, otherwise: str = "") -> str:
    """The section. most: the point that the finding names; otherwise: what it says where there is none."""
    finding = otherwise
    if most is not None:
        of = ", ".join(filter(None, (most.label, most.series)))
        finding = f"The most is {number(most.y)} tokens/s, {number(most.x)} {PER_USER}: {of}."
    chart = _chart(points, series, f"Output tokens for all against those of one user. {finding}")
    return (
        f"<section id=frontier>{titled('Output tokens/s of all users, against those of one', finding)}{chart}</section>"
    )


def _apart(places: Sequence[tuple[float, float]]) -> list[float]:
    """How high the label of each place stands, px from the top: as high as the place, or so much lower that it leaves
    the labels beside it legible. places: per cent from the left, px from the top."""
    heights = [y for _, y in places]
    done: list[int] = []
    for one in sorted(range(len(places)), key=lambda one: heights[one]):
        near = [other for other in done if abs(places[one][0] - places[other][0]) < _LABEL_WIDE]
        heights[one] = max([heights[one], *(heights[other] + _LABEL_HIGH for other in near)])
        done.append(one)
    return heights


def _chart(points: Sequence[Point], series: Sequence[str], alternative: str) -> str:
    """Output tokens for all (upright) against those of one user, each per second; points of a series are joined."""
    across, up = linear(max(point.x for point in points)), linear(max(point.y for point in points))

    def place(point: Point) -> tuple[float, float]:
        return 100 * point.x / across.high, HEAD + _FRONTIER_HIGH * (1 - point.y / up.high)

    ticks = [(HEAD + _FRONTIER_HIGH * (1 - tick / up.high), tick) for tick in up.ticks]
    parts = [
        f'<line class=grid x2="100%" y1="{at:.1f}" y2="{at:.1f}"/><text class=tick x="-8" y="{at + 4:.1f}">'
        f"{number(tick)}</text>"
        for at, tick in ticks
    ]
    foot = HEAD + _FRONTIER_HIGH + 17
    parts += [
        f'<text class=time x="{100 * tick / across.high:.2f}%" y="{foot}" '
        f'text-anchor="{"end" if tick == across.high else "middle"}">{number(tick)}</text>'
        for tick in across.ticks
    ]
    keys = []
    labelled = dict(zip(points, _apart([place(point) for point in points]), strict=True))
    for number_of, name in enumerate(series):
        own = sorted((point for point in points if point.series == name), key=lambda point: point.x)
        if not own:
            continue
        tone = f"var(--run-{number_of % 8})"
        keys.append(f'<tspan dx="14" fill="{tone}">● {escape(name)}</tspan>' if name else "")
        for left, right in pairwise(own):
            (x1, y1), (x2, y2) = place(left), place(right)
            parts.append(
                f'<line x1="{x1:.2f}%" y1="{y1:.1f}" x2="{x2:.2f}%" y2="{y2:.1f}" stroke="{tone}" stroke-width="1.5"/>'
            )
        for point in own:
            x, y = place(point)
            end = x > 55
            parts.append(
                f'<circle cx="{x:.2f}%" cy="{y:.1f}" r="5" fill="{tone}"/><text x="{x:.2f}%" dx="{-9 if end else 9}" '
                f'y="{labelled[point] - 5:.1f}" text-anchor="{"end" if end else "start"}">{escape(point.label)}</text>'
            )
    head = f'<text y="12"><tspan class=name>Output tokens/s, all users</tspan>{"".join(keys)}</text>'
    name = f'<text class=time x="100%" y="{foot + 17}" text-anchor="end">output tokens/s {PER_USER}</text>'
    return (
        f'<div class=overtime><svg class=static width="100%" height="{foot + 24}" role="img" '
        f'aria-label="{escape(alternative)}">{head}{"".join(parts)}{name}</svg></div>'
    )
