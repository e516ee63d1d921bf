"""The page of a run of several tasks: its models by its data sets, each a small picture that leads to its own page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from fastbench.metrics import Number
from fastbench.report.answer import Answer, Latency
from fastbench.report.page import head
from fastbench.report.page.document import document
from fastbench.report.page.frontier import LEAST, Point, frontier
from fastbench.units import MISSING, number, quantity

_SCRIPTS = ("fold.js", "index.js")
_NOTE = "Bars of the same name share one scale: dark up to the median, light up to P90. Click a cell for its page."


class Task(NamedTuple):
    """One of a run. page: where its own page is, from the index; None = it has none."""

    answer: Answer
    page: str | None

    @property
    def dataset(self) -> str:
        """By the config's name."""
        return self.answer.subject.dataset or self.answer.subject.task.rpartition("/")[2]

    @property
    def model(self) -> str:
        """By the config's name, which is not always the service's."""
        return self.answer.subject.task.removesuffix(f"/{self.dataset}")

    def median(self, name: str) -> Number:
        """Of a latency, ms."""
        return _statistic(self.answer.latency(name), "Median")


class Measure(NamedTuple):
    """What a cell compares. value, reach: of a task; reach: how far its worst hundredth goes, where that is known.
    fewer: whether less is better."""

    name: str
    about: str
    unit: str
    value: Callable[[Task], Number]
    reach: Callable[[Task], Number]
    fewer: bool


def _latency(name: str) -> Measure:
    def reach(task: Task) -> Number:
        found = task.answer.latency(name)
        return None if found is None or "P90" in found.row.marked else _statistic(found, "P90")

    return Measure(name, f"median {name}", "ms", lambda task: task.median(name), reach, fewer=True)


def _statistic(found: Latency | None, name: str) -> Number:
    return None if found is None else found.row.values[name]


MEASURES = (
    _latency("TTFT"),
    _latency("TPOT"),
    _latency("E2EL"),
    Measure("Output", "output", "tokens/s", lambda task: task.answer.rates.output_tokens, lambda _: None, fewer=False),
    Measure("Requests", "requests", "/s", lambda task: task.answer.rates.served, lambda _: None, fewer=False),
)


def index_page(name: str, tasks: Sequence[Task]) -> bytes:
    """The page. name: the run's. tasks: two or more, in the order of the config."""
    data = {"markdown": _markdown(name, tasks)}
    title = f"{name} · {len(tasks)} tasks · fastbench"
    return document(title, "".join(_body(name, tasks)), data, _SCRIPTS, charts=False, foot=name)


def _body(name: str, tasks: Sequence[Task]) -> Iterator[str]:
    models, datasets = _unique(task.model for task in tasks), _unique(task.dataset for task in tasks)
    about = " · ".join((f"<b>{escape(name)}</b>", escape(_when(tasks)), escape(_size(models, datasets, tasks))))
    yield f"<div id=fold><header><div><p class=meta>{about}</p></div>{head.TOOLS}</header>"
    yield f"<h1 class=sentence>{_sentence(tasks)}</h1>"
    yield f"<p class=note>{_NOTE}</p>"
    scales = {measure.name: _most(measure, tasks) for measure in MEASURES}
    yield f'<div class=matrix style="grid-template-columns:max-content repeat({len(datasets)},minmax(220px,1fr))">'
    yield "<span class=corner></span>" + "".join(f"<span class=across>{escape(one)}</span>" for one in datasets)
    cells = {(task.model, task.dataset): _cell(task, scales) for task in tasks}
    for model in models:
        yield f"<span class=down>{escape(model)}</span>"
        yield from (cells.get((model, dataset), "<span></span>") for dataset in datasets)
    yield "</div></div>"
    yield _frontier(tasks, datasets)


def _unique(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _when(tasks: Sequence[Task]) -> str:
    moments = [task.answer.subject.created for task in tasks if task.answer.subject.created is not None]
    return head.date(min(moments)) if moments else ""


def _size(models: Sequence[str], datasets: Sequence[str], tasks: Sequence[Task]) -> str:
    requests = sum(task.answer.subject.requests for task in tasks)
    sizes = [
        f"{count} {what}{'' if count == 1 else 's'}"
        for count, what in ((len(models), "model"), (len(datasets), "data set"))
    ]
    return f"{' x '.join(sizes)} · {requests:,} requests"


def _sentence(tasks: Sequence[Task]) -> str:
    """Which of the tasks whose service kept up and whose numbers can be trusted is the best by what, and of how many
    there is more to know."""
    told = []
    sound = [task for task in tasks if _sound(task)]
    for measure, most in ((MEASURES[0], "fastest first token"), (MEASURES[3], "most output tokens")):
        known = [(value, task) for task in sound if (value := measure.value(task)) is not None]
        if known:
            value, best = (min if measure.fewer else max)(known, key=lambda one: one[0])
            who = f"{best.model} with {best.dataset}"
            told.append(f"{most}: {escape(who)}, <b>{escape(_shown(measure, value))}</b>")
    doubts = (
        (sum(_doubted(task) for task in tasks), "INVALID"),
        (sum(task.answer.overloaded for task in tasks), "overloaded"),
        (sum(bool(task.answer.outcomes.failed) for task in tasks), "with failed requests"),
    )
    warned = "; ".join(f"{what}: <b>{count} of {len(tasks)}</b> tasks" for count, what in doubts if count)
    of_those = "" if len(sound) == len(tasks) else "Of those that kept up and can be trusted: "
    first = of_those + "; ".join(told) if told else ""
    first = first[:1].upper() + first[1:]
    return f"{first}{'. ' if first else ''}{warned[:1].upper()}{warned[1:]}{'.' if warned else ''}"


def _doubted(task: Task) -> bool:
    return task.answer.measurement.level.value == "bad"


def _sound(task: Task) -> bool:
    """Whether its numbers can be set against another task's."""
    return not task.answer.overloaded and not _doubted(task)


def _shown(measure: Measure, value: Number) -> str:
    if value is None:
        return MISSING
    return quantity(value, "ms") if measure.unit == "ms" else f"{number(value)}{_space(measure.unit)}"


def _space(unit: str) -> str:
    return unit if unit.startswith("/") else f" {unit}"


def _most(measure: Measure, tasks: Sequence[Task]) -> float:
    values = [value for task in tasks for value in (measure.value(task), measure.reach(task)) if value is not None]
    return max(values, default=0.0) or 1.0


def _cell(task: Task, scales: dict[str, float]) -> str:
    subject = task.answer.subject
    rows = "".join(_bar(measure, task, scales[measure.name]) for measure in MEASURES if _has(measure, task))
    badges = "".join(head.badge(statement) for statement, _ in head.statements(task.answer))
    which = f"<b class=which>{escape(task.dataset)}</b> {escape(subject.load)}"
    inside = f"<div class=note>{which}</div><div class=signs>{badges}</div><dl>{rows}</dl>"
    label = escape(f"{task.model}, {task.dataset}: {task.answer.text}")
    if task.page is None:
        return f'<div class=cell title="{label}">{inside}</div>'
    return f'<a class=cell href="{escape(task.page)}" title="{label}">{inside}</a>'


def _has(measure: Measure, task: Task) -> bool:
    return measure.value(task) is not None


def _bar(measure: Measure, task: Task, most: float) -> str:
    value, reach = measure.value(task), measure.reach(task)
    parts = "" if reach is None else f'<i class=reach style="width:{100 * reach / most:.1f}%"></i>'
    parts += "" if value is None else f'<i style="width:{100 * value / most:.1f}%"></i>'
    return (
        f'<dt title="{escape(measure.about)}">{measure.name}</dt><dd><b>{escape(_shown(measure, value))}</b></dd>'
        f"<dd class=scale>{parts}</dd>"
    )


def _frontier(tasks: Sequence[Task], datasets: Sequence[str]) -> str:
    """What all users get against what one gets, a line for each data set; nothing where there are too few."""
    points = {
        Point(rates.per_user, rates.output_tokens, _loaded(task), task.dataset): _sound(task)
        for task in tasks
        for rates in (task.answer.rates,)
        if rates.per_user and rates.output_tokens
    }
    if len(points) < LEAST:
        return ""
    most = max((point for point, sound in points.items() if sound), key=lambda point: point.y, default=None)
    return frontier(list(points), datasets, most, "No task's service kept up with numbers that can be trusted.")


def _loaded(task: Task) -> str:
    """The model, and under which load."""
    return f"{task.model}, {task.answer.subject.load.removesuffix(' (closed loop)')}"


def _markdown(name: str, tasks: Sequence[Task]) -> str:
    rows = [
        f"| {task.answer.subject.task} | {', '.join(one.short for one, _ in head.statements(task.answer))} | "
        f"{' | '.join(_shown(measure, measure.value(task)) for measure in MEASURES)} |"
        for task in tasks
    ]
    names = " | ".join(measure.about for measure in MEASURES)
    rule = "|---|---|" + "---:|" * len(MEASURES)
    return "\n".join([f"**{name}**", "", f"| task | | {names} |", rule, *rows]) + "\n"
