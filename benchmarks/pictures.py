"""One picture for each benchmark whose figures are better seen than read: raw results → a matplotlib figure."""

import statistics
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.harness import Results

OURS, LIMIT, USUAL, GOAL = "#1b6ca8", "#6b7280", "#d08c2a", "#b3261e"
COLOURS = {"fastbench": OURS, "fastbench, precise": OURS, "discard": LIMIT, "C loop": LIMIT}
WAYS = {"plain": "fastbench", "precise": "fastbench, precise"}
WIDTH = 7.2


def ceiling(results: Results) -> Figure:
    """P1: output events per second of each client."""
    rates = {client: statistics.median(turn["events_per_s"] for turn in turns) for client, turns in results.items()}
    names = {"discard": "C loop that reads\nand discards", "fastbench": "fastbench, the\nwhole command"}
    figure, (axes,) = _figure(2.6)
    _bars(axes, [names.get(client, f"{client} + orjson") for client in rates], list(rates.values()), list(rates))
    axes.set_xlim(0, 1.2 * max(rates.values()))
    axes.xaxis.set_major_formatter(lambda rate, _: f"{rate / 1e6:g}")
    for number, rate in enumerate(rates.values()):
        axes.text(rate, number, f"  {rate / 1e6:.2f}", va="center", fontsize=9)
    axes.set_xlabel("million output events per second, 64 streams, one core")
    return figure


def read_cost(results: Results) -> Figure:
    """P2: CPU time per token when each comes alone, in the kernel and outside."""
    rounds = results["rounds"]
    total, user = (
        [statistics.median(turn[part] for turn in turns) for turns in rounds.values()]
        for part in ("total_us", "user_us")
    )
    kernel = np.subtract(total, user)
    figure, (axes,) = _figure(2.3)
    axes.barh(list(rounds), kernel, color="#9aa5b1", height=0.6, label="in the kernel")
    axes.barh(list(rounds), user, left=kernel, color=OURS, height=0.6, label="outside")
    for number, (whole, own) in enumerate(zip(total, user, strict=True)):
        axes.text(whole, number, f"  {whole:.1f} µs, {own:.1f} outside the kernel", va="center", fontsize=9)
    axes.set_xlim(0, max(total) * 1.45)
    axes.invert_yaxis()
    axes.set_xlabel("CPU time per token, µs (1,000 streams, a token each 19.7 ms)")
    axes.legend(loc="upper right", frameon=False, fontsize=9)
    return figure


def exactness(results: Results) -> Figure:
    """P3: error of the gaps between tokens, against the service's own log."""
    figure, axes = _figure(2.8, columns=len(results))
    for panel, (streams, clients) in zip(axes, results.items(), strict=True):
        errors = {client: _quantiles([turn["ITL error"] for turn in turns]) for client, turns in clients.items()}
        _ranges(panel, errors, 0.1, 3e5)
        panel.set_title(f"{int(streams):,} streams", fontsize=10)
        panel.set_xlabel("|ITL error|, µs")
    return figure


def lateness(results: Results) -> Figure:
    """P4: how late requests are sent."""
    figure, axes = _figure(2.8, columns=len(results))
    for panel, (rate, ways) in zip(axes, results.items(), strict=True):
        late = {WAYS.get(way, way): _quantiles(turns) for way, turns in ways.items() if way != "quiet"}
        _ranges(panel, late, 1, 3e4)
        panel.set_title(f"{int(rate):,} requests/s", fontsize=10)
        panel.set_xlabel("send lateness, µs")
    return figure


def memory(results: Results) -> Figure:
    """P7: private memory over streams in flight."""
    rows = results["in_flight"]
    streams, peaks = [row["peak in flight"] for row in rows], [row["peak MB"] for row in rows]
    line = np.linspace(0, max(streams) * 1.05, 2)
    figure, (axes,) = _figure(3.2)
    axes.plot(line, 150 + 0.024 * line, color=GOAL, linestyle="--", linewidth=1.2)
    axes.text(
        line[-1] * 0.5,
        150 + 0.024 * line[-1] * 0.5,
        "goal: 150 MB + 24 kB per stream  ",
        color=GOAL,
        ha="right",
        va="bottom",
    )
    axes.plot(streams, peaks, "o-", color=OURS)
    axes.text(
        streams[-1], peaks[-1] * 0.55, f"fastbench, {rows[-1]['output']:,} tokens a stream", color=OURS, ha="right"
    )
    axes.set_xlim(0, line[-1])
    axes.set_ylim(0)
    axes.set_xlabel("streams in flight")
    axes.set_ylabel("private memory, MB")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return figure


def growth(results: Results) -> Figure:
    """P11: time and memory over the number of requests."""
    points = results["points"]
    requests = [point["requests"] for point in points]
    figure, (times, sizes) = _figure(3.4, columns=2)
    for panel, unit, label in ((times, "s", "time, s"), (sizes, "mb", "private memory, MB")):
        for part, colour in (("load", OURS), ("report", USUAL), ("recalc", "#2f7d4f")):
            panel.plot(requests, [point[f"{part}_{unit}"] for point in points], "o-", color=colour, label=part)
        last = max(points[-1][f"{part}_{unit}"] for part in ("load", "report", "recalc"))
        panel.plot(requests, [last * count / requests[-1] for count in requests], ":", color=LIMIT, label="linear")
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlabel("requests")
        panel.set_ylabel(label)
        panel.set_xticks(requests, [f"{count // 1000} k" for count in requests])
        panel.minorticks_off()
    _plain(times, 0.03, max(100, 2 * max(point["load_s"] for point in points)))
    _plain(sizes, 10, 1_000)
    times.legend(frameon=False, fontsize=9)
    return figure


PICTURES: dict[str, tuple[str, Callable[[Results], Figure]]] = {
    "ceiling": ("bench_ceiling", ceiling),
    "read_cost": ("bench_read_cost", read_cost),
    "exactness": ("bench_exactness", exactness),
    "lateness": ("bench_lateness", lateness),
    "memory": ("bench_memory", memory),
    "growth": ("bench_growth", growth),
}
"""name: the benchmark whose results it shows, and who draws it."""


def _figure(height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, columns, squeeze=False)[0])
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=9)
    return figure, panels


def _bars(axes: Axes, labels: Sequence[str], values: Sequence[float], names: Sequence[str]) -> None:
    axes.barh(labels, values, color=[COLOURS.get(name, USUAL) for name in names], height=0.6)
    axes.invert_yaxis()


def _quantiles(turns: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(turn[name] for turn in turns) for name in ("P50", "P99", "Max")}


def _ranges(axes: Axes, quantiles: dict[str, dict[str, float]], least: float, most: float) -> None:
    """A line for each name from its median over its P99 to its maximum."""
    for number, (name, values) in enumerate(quantiles.items()):
        colour = COLOURS.get(name, USUAL)
        places = [max(values[quantile], least) for quantile in ("P50", "P99", "Max")]
        axes.plot(places, [number] * 3, "-", color=colour, linewidth=1.5)
        for place, marker in zip(places, ("o", "D", "|"), strict=True):
            axes.plot(place, number, marker, color=colour, markersize=6)
        shown = f"{values['P99']:,.0f}" if values["P99"] >= 100 else f"{values['P99']:.3g}"
        axes.annotate(shown, (places[1], number), (0, 7), textcoords="offset points", ha="center")
    axes.set_yticks(range(len(quantiles)), list(quantiles))
    axes.set_ylim(len(quantiles) - 0.4, -0.7)
    _to_the_power(axes, least, most)
    axes.grid(axis="x", alpha=0.25)


def _to_the_power(axes: Axes, least: float, most: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(least, most)
    axes.minorticks_off()


def _plain(axes: Axes, least: float, most: float) -> None:
    """Ticks as numbers, not as powers."""
    axes.set_ylim(least, most)
    ticks = [tick for power in range(-2, 4) for tick in (10.0**power,) if least <= tick <= most]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
