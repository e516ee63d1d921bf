"""The page of a comparison, from made-up comparisons."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from synthetic_comparison import comparison, comparison_of, distribution, effect, run_summary

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NOT_WORSE,
    WORSE,
    Comparison,
    Difference,
    Side,
    Versus,
    quantile_curve,
)
from fastbench.answers.statistics import Interval
from fastbench.report.page.comparison import comparison_page
from fastbench.report.page.comparison.axes import around, changes
from fastbench.report.page.comparison.forest import forest
from fastbench.report.page.comparison.tables import beside, differing
from fastbench.report.page.comparison.words import reasons, settled_by, summary

CASES = [(kind, comparison(kind)) for kind in ("worse", "better", "noise")]
HOSTILE = '</script><img src=x onerror="alert(1)">'


def page_of(one: Comparison) -> str:
    return comparison_page(one).decode()


def sections_of(text: str) -> list[str]:
    return re.findall(r"<section id=(\w+)", text)


def rows_of(text: str) -> list[tuple[str, str, str]]:
    """Of a forest: the classes of each row, its name, its verdict."""
    found = re.findall(r'<tr class="([^"]+)"><th scope=row>(.*?)</th>.*?<td class=word><b[^>]*>. ([^<]+)</b>', text)
    return [(kind, re.sub("<[^>]+>", "", name), word) for kind, name, word in found]


def table_of(one: Comparison) -> str:
    """All numbers side by side."""
    return page_of(one).split("<section id=numbers>")[1].split("</section>")[0]


def with_effects(*effects: object) -> Comparison:
    """B against A, with these effects alone."""
    whole = comparison()
    return replace(whole, versus=(replace(whole.versus[0], effects=effects),))


def test_the_answer_stands_first_and_tables_last() -> None:
    """Sentence, forest plot, what differs, deciles, curves, pairs, then the tables, folded away."""
    text = page_of(comparison())
    assert text.index("<h1 class=sentence>") < text.index("<section id=forest>")
    assert sections_of(text) == ["forest", "differs", "deciles", "curves", "pairs", "numbers"]
    assert "<section id=numbers><details><summary>" in text


def test_no_chart_needs_a_script() -> None:
    """Pages of two and of five sides are light, hold no plotly, name no other file, and have each chart as SVG."""
    for one in (comparison(), comparison("worse", 5), comparison_of(4)):
        text = page_of(one)
        assert len(text) < 300_000
        assert 'id="plotly"' not in text
        assert re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=", text.split("<script>")[0]) == []
        assert text.count("<svg") > 20


def test_what_others_wrote_stays_text() -> None:
    """Neither a label, a sentence, a setting, a reason nor a name of a run can bring an element into the page."""
    run = replace(run_summary(HOSTILE), source=HOSTILE, reasons=(HOSTILE,), valid=False, fault=HOSTILE)
    run = replace(run, workload=replace(run.workload, words=HOSTILE), stage=HOSTILE)
    one = comparison().versus[0]
    named = [replace(each, why=HOSTILE) for each in one.effects]
    hostile = Versus(
        Side(HOSTILE, (run,)), (HOSTILE,), tuple(named), one.deciles, one.pairing,
        (Difference(HOSTILE, HOSTILE, HOSTILE),), HOSTILE, (HOSTILE,),
    )  # fmt: skip
    for versus in ((hostile,), (hostile, replace(hostile, other=Side("C", (run,))))):
        text = page_of(Comparison(Side(HOSTILE, (run,)), versus, 0.02, (HOSTILE,) * len(versus), True, (HOSTILE,)))
        assert "<img" not in text
        assert "&lt;img" in text


def test_each_verdict_has_its_word_colour_and_shape() -> None:
    """A row's class, word and mark are those of its verdict, and no two verdicts share a shape."""
    a, b = run_summary(), run_summary(slower=1.1)
    words = (BETTER, WORSE, NOT_WORSE, CANNOT_TELL)
    effects = [effect(a, b, "TTFT", "P50", word, 0.01) for word in words]
    text = forest(with_effects(*effects).versus[0], ("A", "B"), 0.02)
    assert [word for _, _, word in rows_of(text)] == list(words)
    kinds = [kind.split()[0] for kind, _, _ in rows_of(text)]
    assert kinds == ["better", "worse", "same", "unknown"]
    shapes = re.findall(r'<path class=shape d="([^"]+)"', text.split("<p class=keys>")[0])
    assert len(set(shapes)) == len(words)


def test_which_side_is_worse_is_said() -> None:
    """Of latencies the right side of the plot is worse, of throughputs the left one; the tolerated band lies there."""
    text = forest(comparison().versus[0], ("A", "B"), 0.02)
    ways = re.findall(r'class="way (\w+)"', text)
    assert ways == ["better", "worse", "worse", "better", "better", "worse"]
    places = [
        tuple(map(float, found)) for found in re.findall(r"--zero:([\d.]+)%;--left:([\d.]+)%;--right:([\d.]+)%", text)
    ]
    (zero, left, right), (again, low, high), _ = places
    assert left == zero < right
    assert low < high == again


def test_a_mark_lies_where_its_change_is() -> None:
    """Twice as far in the logarithm is twice as far on the axis; the interval's ends are where they are."""
    axis = changes([-0.5, 1.0], 0.02)
    assert axis.at(0) == pytest.approx((axis.at(-0.5) + axis.at(1.0)) / 2)
    a = run_summary()
    one = replace(effect(a, a, "TTFT", "P50", WORSE, 0), change=0.1, interval=Interval(0.05, 0.2))
    text = forest(with_effects(one).versus[0], ("A", "B"), 0.02)
    line = re.search(r'class="span worse" x1="([\d.]+)%" x2="([\d.]+)%"', text)
    mark = re.search(r'<svg class="mark worse" x="([\d.]+)%" y="[\d.]+"><path class=shape', text)
    zero = re.search(r"--zero:([\d.]+)%", text)
    assert line
    assert mark
    assert zero
    low, high, at, origin = (float(found) for found in (line[1], line[2], mark[1], zero[1]))
    scale = (high - origin) / np.log(1.2)
    assert low - origin == pytest.approx(scale * np.log(1.05), abs=0.02)
    assert at - origin == pytest.approx(scale * np.log(1.1), abs=0.02)


def test_one_far_number_does_not_flatten_the_others() -> None:
    """An interval that is far wider than most ends in an arrow at the edge of the plot."""
    a, b = run_summary(), run_summary(slower=1.03)
    near = [effect(a, b, "TTFT", "P50", WORSE, 0.01) for _ in range(9)]
    far = replace(near[0], change=30.0, interval=Interval(20.0, 45.0))
    text = forest(with_effects(*near, far).versus[0], ("A", "B"), 0.02)
    assert text.count("class=arrow") == 1
    alone = forest(with_effects(*near).versus[0], ("A", "B"), 0.02)
    assert "class=arrow" not in alone


@pytest.mark.parametrize("ends", [[], [0.0], [-0.001, 0.002], [0.3, 0.4], [-0.6, 9.0], [-0.9999]])
def test_an_axis_has_zero_and_a_few_ticks(ends: list[float]) -> None:
    """Whatever the changes are, 0 lies inside with room on both sides, and two to seven ticks are in the plot."""
    for in_points, tolerance in ((False, 0.02), (True, 0.005), (False, 0.0)):
        axis = changes(ends, tolerance, in_points=in_points)
        ticks = axis.ticks()
        assert 0.1 < axis.at(0) < 0.9
        assert 2 <= len(ticks) <= 7
        assert [tick.text for tick in ticks].count("0") == 1
        assert all(0 <= tick.at <= 1 for tick in ticks)


def test_an_upright_axis_holds_its_values() -> None:
    """It begins near the values where they are close to each other, and at 0 where they are not."""
    close, wide = around([100.0, 104.0]), around([1.0, 100.0])
    assert 90 < close.low <= 100
    assert close.high >= 104
    assert wide.low == 0
    assert 3 <= len(close.ticks) <= 6


def test_several_sides_have_one_sentence() -> None:
    """It says of each side what it is against the base, the worse ones first."""
    assert summary(comparison_of(4)) == "Against base, run2 and run3: worse; run0 and run1: cannot tell."


def test_a_refused_comparison_shows_no_numbers() -> None:
    """Of what is not comparable the page has the reason, how to see the numbers all the same, and none of them."""
    text = page_of(comparison("refused"))
    assert "<h1 class=sentence>not comparable:</h1><ul class=reasons><li>A sent another workload" in text
    assert "--anyway" in text
    assert sections_of(text) == ["differs"]


def test_anyway_shows_numbers_below_the_reason() -> None:
    """Numbers that were asked for anyway stand below the reason not to compare them."""
    whole = comparison()
    why = "A and B are not comparable because B sent another workload."
    refused = replace(whole, anyway=True, versus=(replace(whole.versus[0], refusals=(why,)),))
    text = page_of(refused)
    reason, said = text.index("<li>B sent another workload</li>"), text.index("Compared anyway: ")
    assert text.index("<h1 class=sentence>A and B are not comparable:</h1>") < reason < said
    assert said < text.index("<section id=forest>")


def test_reasons_stand_once() -> None:
    """What makes several numbers impossible to tell is said once, with their names."""
    a = run_summary()
    effects = [replace(effect(a, a, name, "P50", CANNOT_TELL, 0.1), why="one run") for name in ("TTFT", "TPOT")]
    assert reasons(effects) == ["TTFT p50, TPOT p50 cannot be told: one run."]
    assert reasons(effects * 3) == ["6 numbers cannot be told: one run."]
    text = forest(with_effects(*effects).versus[0], ("A", "B"), 0.02)
    assert text.count("TTFT p50, TPOT p50 cannot be told: one run.") == 1


def test_what_it_would_take_is_said() -> None:
    """What cannot be told says how fine the measurement is, and how many minutes would settle it."""
    a = run_summary()
    found = replace(effect(a, a, "TTFT", "P99", CANNOT_TELL, 0.02), least_detectable=0.041, minutes=14.2)
    assert settled_by(found) == "4.1 % would show · settled in 15 min"
    assert settled_by(replace(found, verdict=WORSE, minutes=None)) == ""


def test_deciles_claim_no_more_than_their_metric() -> None:
    """Where no number of a metric is worse or better, neither is a decile, however far it lies from 0."""
    told = {kind: {name for name in ("worse", "better") if f"mark {name} small" in page_of(one)} for kind, one in CASES}
    assert told == {"worse": {"worse"}, "better": {"better"}, "noise": set()}


def test_runs_in_a_row_are_drawn_from_three_on() -> None:
    """Two runs have no trend; ten of two sides have one, with a mark for each run and number that decides."""
    assert "trend" not in sections_of(page_of(comparison()))
    text = page_of(comparison("worse", 5))
    assert "trend" in sections_of(text)
    drawn = text.split("<section id=trend>")[1].split("</section>")[0]
    assert drawn.count("<figure") == 9
    assert len(re.findall(r'<svg class="mark (?:base|worse|same|unknown)"', drawn)) == 9 * 10


def test_several_sides_have_a_table_of_changes() -> None:
    """Each side is a column of changes against the base, and has its own plot, folded away."""
    text = page_of(comparison_of(4))
    assert sections_of(text)[:2] == ["forest", "differs"]
    table = text.split('<table class="stacked matrix-of-changes')[1].split("</table>")[0]
    assert table.count("<tr") == 1 + len(comparison().effects)
    assert table.count('data-of="run2"') == len(comparison().effects)
    assert text.count("<table class=forest>") == 4


def test_loads_are_drawn_against_a_users_speed() -> None:
    """Sides at three or more loads have the picture of all users' tokens against one's; those at one load have not."""
    assert "frontier" in sections_of(page_of(comparison_of(4)))
    assert "frontier" not in sections_of(page_of(comparison("worse", 5)))


def test_only_lines_that_differ_are_shown() -> None:
    """A setting that differs in one side has the base's value in the others."""
    whole = comparison_of(2)
    first, second = whole.versus
    first = replace(first, differs=(Difference("a", "1", "2"), Difference("b", "", "x")))
    second = replace(second, differs=(Difference("a", "1", "3"),))
    assert differing(replace(whole, versus=(first, second))) == (
        ["base", "run0", "run1"],
        [["a", "1", "2", "3"], ["b", "not set", "x", "not set"]],
    )


def test_a_cell_knows_its_column() -> None:
    """Where a narrow screen stacks a table each cell still says whose it is."""
    assert beside(["A", "B"], [["x", "1", "2"]]).count("<td data-of=") == 2
    assert '<td data-of="B">2</td>' in beside(["A", "B"], [["x", "1", "2"]])


def test_many_runs_have_several_tables() -> None:
    """Of ten runs eight stand in the first set of tables and two in the second, each run once."""
    parts = re.findall(r"<details><summary>(A|B) (\d) to (A|B) (\d)</summary>", table_of(comparison("worse", 5)))
    assert parts == [("A", "1", "B", "3"), ("B", "4", "B", "5")]
    assert " to " not in table_of(comparison("worse", 4))


def test_percentiles_of_too_few_requests_are_marked() -> None:
    """In the tables of runs without a report, such as baselines, a percentile of too few requests has its mark."""
    plain = table_of(comparison())
    ttft = replace(run_summary().distributions["TTFT"], samples=100)
    few = replace(run_summary(), ok=100, distributions={"TTFT": ttft})
    marked = table_of(replace(comparison(), base=Side("A", (few,))))
    assert " *" not in plain
    row = re.search(r"TTFT P99</th>(.*?)</tr>", marked)
    assert row
    assert re.findall(r"<td[^>]*>([^<]+)", row[1])[0].endswith(" *")
    assert "Too few requests" in marked


def test_curves_are_the_percentiles() -> None:
    """A side's curve is within a log bin of numpy's percentiles of all its runs' values."""
    random = np.random.default_rng(5)
    values = [random.lognormal(3, 0.5, 4_000) for _ in range(2)]
    runs = [replace(run_summary(), distributions={"TTFT": distribution("TTFT", each)}) for each in values]
    curve = quantile_curve(runs, "TTFT")
    assert curve is not None
    assert curve.samples == 8_000
    expected = np.percentile(np.concatenate(values), 100 * (1 - 10.0**-curve.nines))
    assert np.abs(curve.values / expected - 1)[1:-40].max() < 0.008
    assert (np.diff(curve.values) >= 0).all()
    assert quantile_curve(runs, "E2EL") is None


def test_the_button_copies_markdown() -> None:
    """What the page's button copies has the sentence."""
    text = page_of(comparison())
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert found
    assert comparison().sentence in json.loads(found[1])["markdown"]


def test_a_page_is_the_same_twice() -> None:
    """The same comparison gives the same bytes."""
    assert page_of(comparison_of(2)) == page_of(comparison_of(2))
