"""What a screen is made of."""

import pytest

from fastbench.live.lines import Line, bar, clock, graph, short_pair, whole
from fastbench.text import columns, shortened

BLANK, FULL = " ", "⣿"


def test_clock() -> None:
    """A time is told in minutes and whole seconds, and in hours where there are any."""
    assert clock(54_900_000_000) == "0:54"
    assert clock(3_661_000_000_000) == "1:01:01"
    assert clock(None) == "–"  # noqa: RUF001 - what a quantity that there is not is shown as


def test_whole() -> None:
    """A count has no decimals, and commas."""
    assert (whole(1583.6), whole(0.2), whole(None)) == ("1,584", "0", "–")  # noqa: RUF001 - as above


def test_two_times_share_their_unit() -> None:
    """Two times of one unit say it once."""
    assert short_pair(62_000_000, 120_000_000) == "62.0/120 ms"
    assert short_pair(310_000_000, 1_200_000_000) == "310 ms/1.20 s"


def test_wide_characters() -> None:
    """A name of wide characters is cut by columns, not by letters."""
    assert columns("模型/é") == 6
    assert shortened("模型/数据集", 6) == "模型/…"
    assert shortened("abc", 3) == "abc"
    assert shortened("abc", 0) == ""


def test_a_line() -> None:
    """A line is written with its styles, cut to a width from its end, and padded up to a column."""
    line = Line("ab", "bold red").append("").append("cde")
    assert line.written(colours=True) == "\x1b[1;31mab\x1b[mcde"
    assert line.written(colours=False) == "\x1b[1mab\x1b[mcde"
    assert line.pad(8).plain == "abcde   "
    assert line.cut(4).plain == "abc…"
    assert line.cut(1).written(colours=False) == "\x1b[1m…\x1b[m"
    assert Line().plain == ""


def test_a_graph_reaches_from_its_least_value_to_its_greatest() -> None:
    """The lowest value has one dot, the greatest all, a column holds two values, and what is not known is blank."""
    assert graph([0, 1, 2, 3], 2, 1, (0, 3)) == ["⣠⣾"]
    assert graph([10, 10, 13, 13], 2, 2, (10, 13)) == [BLANK + FULL, "⣀⣿"]
    assert graph([None, None, 5, 5], 2, 1, (4, 5)) == [BLANK + FULL]


def test_what_hardly_changes_looks_like_that() -> None:
    """A change of a thousandth does not fill a graph."""
    assert graph([1000, 1001], 1, 4, (1000, 1001)) == [BLANK, BLANK, BLANK, "⣀"]


def test_a_graph_takes_the_newest_values_and_all_its_width() -> None:
    """Of many values the newest are shown; few are stretched, with slopes between them; without any there is none."""
    assert graph([9, 9, 9, 0, 0, 1, 1], 2, 1, (0, 1)) == ["⣀⣿"]
    assert graph([0, 1], 4, 1, (0, 1)) == ["⣀⣤⣶⣿"]
    assert graph([None, 1, 1], 3, 1, (0, 1)) == [" ⣿⣿"]
    assert graph([3], 3, 1, (3, 3)) == ["⣀⣀⣀"]
    assert graph([], 3, 1, (0, 0)) == ["   "]


@pytest.mark.parametrize(
    ("share", "drawn"), [(0.0, ("", "────")), (0.4, ("━╸", "──")), (1.0, ("━━━━", "")), (7.0, ("━━━━", ""))]
)
def test_bar(share: float, drawn: tuple[str, str]) -> None:
    """A bar has what is done and what is left, to half a column."""
    assert bar(share, 4) == drawn
