"""What a search is asked, from options; and the run that its visits are made in."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from fastbench.answers import Criterion, Slo, criteria_of, parse_slos
from fastbench.answers.capacity import Settings
from fastbench.answers.statistics import requests_to_show, showable
from fastbench.config import RunConfig
from fastbench.errors import UsageError
from fastbench.options import Options
from fastbench.plan.shapes import Levels
from fastbench.slo import without_stream
from fastbench.units import NS_PER_S, Duration, quantity

_DAY = Duration(86_400 * NS_PER_S)
_DESCRIPTORS = 256
"""Of this process, that are not connections of the load."""
QUICK_NS, QUICK_LATENCIES = 20 * NS_PER_S, 10
_OFFERED = (0.99, 0.95, 0.9)
_LONGER = ", or {:g} mean E2EL where that is longer"
MOST = 10_000


@dataclass(frozen=True)
class Asked:
    """texts: of the SLOs. sweep: its name and levels; None = a search. price: of a GPU for an hour."""

    texts: tuple[str, ...] = ()
    budget_ns: int | None = None
    quick: bool = False
    tolerance: float = 0.05
    most: int = MOST
    sweep: tuple[str, tuple[float, ...]] | None = None
    gpus: int | None = None
    price: float | None = None

    @property
    def slos(self) -> tuple[Slo, ...]:
        """One a tier. ConfigError for what cannot be read."""
        return parse_slos(self.texts)

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Of all tiers."""
        return criteria_of(self.slos)

    def settings(self) -> Settings:
        """Of the search. With a budget it ends that, not a number of levels."""
        usual = Settings()
        return Settings(
            shares=tuple(one.share for one in self.criteria),
            tolerance=self.tolerance,
            most=self.most,
            budget_ns=self.budget_ns,
            confirm_ns=QUICK_NS if self.quick else usual.confirm_ns,
            confirm_latencies=QUICK_LATENCIES if self.quick else usual.confirm_latencies,
            bisections=usual.bisections if self.budget_ns is None else 4 * usual.bisections,
        )

    def record(self) -> dict[str, Any]:
        """Plain JSON, from which `of_record` makes it again."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {"slo": fields.pop("texts"), **fields}


def of_record(record: Mapping[str, Any]) -> Asked:
    """What a search before was asked."""
    return msgspec.convert({**record, "texts": record["slo"]}, Asked)


def asked_of(options: Options, run: RunConfig) -> Asked:
    """Of the options, and SLOs of the config. Raises ConfigError for SLOs that cannot be read."""
    asked = Asked(
        texts=tuple(options.get("slo") or run.slo),
        budget_ns=options.get("budget"),
        quick="quick" in options,
        tolerance=options.get("tolerance", Asked.tolerance),
        most=min(options.get("max", MOST), _most_connections()),
        sweep=options.get("sweep"),
        gpus=options.get("gpus"),
        price=options.get("price"),
    )
    _ = asked.criteria  # now: what is wrong with them is known before anything is sent
    most = _most_connections()
    if asked.sweep is not None and asked.sweep[0] == "concurrency" and max(asked.sweep[1]) > most:
        raise UsageError(
            f"--sweep concurrency={max(asked.sweep[1]):g} needs more open files than the system allows, which are "
            f"enough for {most:,}: raise the limit (ulimit -n), or leave that level out"
        )
    return asked


def _most_connections() -> int:
    """That the system allows this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 100_000 if hard == resource.RLIM_INFINITY else max(1, hard - _DESCRIPTORS)


def levelled(run: RunConfig, asked: Asked) -> RunConfig:
    """The run whose load the search sets. Raises UsageError for one of several tasks."""
    tasks = run.tasks()
    if len(tasks) != 1:
        names = ", ".join(task.name for task in tasks)
        raise UsageError(f"saturate searches one service with one data set, and the config has {len(tasks)}: {names}")
    (task,) = tasks
    if task.service.use_timestamp:
        raise UsageError("saturate sets the load itself; leave --use-timestamp out")
    fault = None if task.service.stream else without_stream(clause for slo in asked.slos for clause in slo.clauses)
    if fault is not None:
        raise UsageError(fault)
    most = asked.most
    if asked.sweep is not None:
        name, levels = asked.sweep
        most = int(max(levels)) if name == "concurrency" else asked.most
    service = replace(task.service, batch_size=most, request_rate=type(task.service.request_rate)(0))
    return replace(
        run,
        models=(service,),
        datasets=(task.dataset,),
        pairs=None,
        load=Levels(level=1),
        duration=_DAY,
        drain=None,
        profile=(),
        pressure=False,
        # Above its capacity a service may fail: that is what is looked for.
        until=None,
        max_failed=None,
        # One is enough until the answer says that the client was the limit.
        workers=1 if run.workers == "auto" else run.workers,
        max_num_workers=1,
    )


def plan_rows(asked: Asked) -> Iterator[tuple[str, str]]:
    """What a search would do, and what its budget can show: (what, how much)."""
    return _sweep_rows(asked, *asked.sweep) if asked.sweep is not None else _search_rows(asked)


def _sweep_rows(asked: Asked, name: str, levels: Sequence[float]) -> Iterator[tuple[str, str]]:
    settings = asked.settings()
    yield "Sweep", f"{name} {', '.join(f'{level:g}' for level in levels)}"
    if settings.budget_ns is None:
        each_ns, longer = settings.confirm_ns, _LONGER.format(settings.confirm_latencies)
        yield "Time", f"at least {quantity(each_ns * len(levels))}"
    else:
        each_ns, longer = settings.budget_ns // len(levels), ""
        yield "Time", f"at most {quantity(settings.budget_ns)}"
    yield "Each level", f"{quantity(each_ns)}{longer}"
    for share in dict.fromkeys(settings.shares):
        yield "It can show", _what_it_can_show(share, each_ns, "at each level")


def _search_rows(asked: Asked) -> Iterator[tuple[str, str]]:
    settings = asked.settings()
    for slo in asked.slos:
        yield "Wanted", f"the most users at once that keep {slo.words()}"
    if not asked.slos:
        yield "Wanted", "the knee: the fewest users at once with 95 % of the greatest throughput"
    yield "Levels", f"1, 2, 4, … up to {settings.most:,g} users, then between; to {100 * settings.tolerance:g} %"
    budget = settings.budget_ns
    yield "Time", "until the answer is narrow" if budget is None else f"at most {quantity(budget)}"
    if not asked.slos:
        return
    confirm = settings.confirm_ns if budget is None else min(settings.confirm_ns, budget // 2)
    yield "Confirmation", f"{quantity(confirm)}{_LONGER.format(settings.confirm_latencies)}"
    for share in dict.fromkeys(settings.shares):
        yield "It can show", _what_it_can_show(share, confirm, "in the confirmation")


def _what_it_can_show(share: float, time_ns: int, what: str) -> str:
    def each(one: float) -> str:
        needed = requests_to_show(one)
        return f"{100 * one:g} % needs {needed} independent requests, {needed * NS_PER_S / time_ns:.3g}/s"

    needed = requests_to_show(share)
    less = [one for one in _OFFERED if one < share and showable(one, needed - 1).enough]
    asked = f"{each(share)} {what}"
    if not less:
        return asked
    return f"{asked}; with fewer, ask for @{100 * less[0]:g}%: {each(less[0])}"
