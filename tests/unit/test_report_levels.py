"""The page of a search or a sweep over levels."""

from __future__ import annotations

import re

from fastbench.report import CurvePoint, FrontPoint, LevelsPage, Marked, Measured, Wanted, levels_page

SHARE = Measured(1.0, 0.9, 1.0)
POINTS = [
    CurvePoint(level, (SHARE, SHARE), Measured(50 * level, 40 * level, 60 * level), f"{level:g} users & more")
    for level in (1.0, 8.0)
]
WANTED = [Wanted("ttft<1s for 99 %", 0.99), Wanted("tpot<20ms for 95 %", 0.95)]


def page(**more: object) -> str:
    given = {"title": "Capacity of m/d", "unit": "users at once", "sentences": ["A.", "B.", "c"], "wanted": WANTED}
    given |= {"points": POINTS, "answers": [Marked("8 users", 8.0, 7.0, 9.0)], "rows": [["users"], ["1"], ["8"]]}
    return levels_page(LevelsPage(**{**given, **more})).decode()  # type: ignore[arg-type]  # fields of a page


def test_every_answer_leads() -> None:
    """Each SLO has its answer in bold, what was noted stands below; words of the caller are text."""
    text = page(leading=2, sentences=["A <i>.", "B.", "c"])
    assert re.findall(r"<p class=answer><b>(.*?)</b>", text) == ["A &lt;i&gt;.", "B."]
    assert "<p class=note>c</p>" in text
    assert "8 users &amp; more" in text


def test_criteria_stand_side_by_side() -> None:
    """Of several criteria the points of a level do not hide each other, and the colours are told in a line that can
    break."""
    text = page()
    assert [float(one) for one in re.findall(r'<svg x="(-?[\d.]+)" style="overflow:visible"><line', text)] == [
        -4.5,
        4.5,
    ]
    assert '<span style="color:var(--run-1)">● tpot&lt;20ms for 95 %</span>' in text
    assert "Dashed: the share asked for. Shaded: where the answer lies." in text
    plain = page(wanted=[], answers=[])
    assert "Dashed" not in plain
    assert "Shaded" not in plain


def test_the_front() -> None:
    """Each point has its name, inside of the chart also at its top, and whole caps on its interval."""
    top = FrontPoint("1 user", Measured(100, 90, 100), Measured(10, 9, 11), front=True)
    text = page(front=[top, FrontPoint("8 users", Measured(50, 0, 1e9), Measured(20, 19, 21), front=False)])
    assert ">1 user</text>" in text
    (at,) = re.findall(r'y="([\d.]+)" text-anchor="\w+">1 user<', text)
    assert float(at) > 22
    assert text.count('style="overflow:visible"><line x1="-4"') >= 4
    assert "○ below it, or not VALID" in text
