"""Registries of dialects, data-set formats, load shapes and metrics, by name.

A registry knows fastbench's own by the module that holds them, and those of other packages by their entry points; it
imports one when it is asked for. So a lower room can look up by name what a higher one defines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from functools import cache, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from fastbench.errors import ConfigError, FastbenchError, blamed

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")


class Registry(Generic[T]):
    """Things of one kind by their names."""

    def __init__(
        self, group: str, what: str, kind: str, own: Mapping[str, str], *, classes: bool = False, check: str = ""
    ) -> None:
        """group: of the entry points. what: one of these things, in words. kind: their class, as "module:name". own:
        fastbench's, by name, as "module:name". classes: whether they are subclasses of it, and not of its objects.
        check: of a package's thing, "module:name" of a function that raises for what cannot be used; "" = none."""
        self.group = group
        self._what = what
        self._kind = kind
        self._classes = classes
        self._check = check
        self._own = dict(own)
        self._found: dict[str, T] = {}

    @property
    def _plugged(self) -> Mapping[str, Sequence[EntryPoint]]:
        """Entries of other packages, by name."""
        return _installed(self.group)

    @property
    def own_names(self) -> tuple[str, ...]:
        """Of fastbench's own, in their order."""
        return tuple(self._own)

    def names(self) -> tuple[str, ...]:
        """fastbench's own in their order, then those of other packages."""
        return (*self._own, *sorted(self._plugged.keys() - self._own.keys()))

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._plugged

    def __iter__(self) -> Iterator[T]:
        """All of them, in the order of `names`."""
        return map(self.get, self.names())

    def get(self, name: str) -> T:
        """The one of this name, fastbench's own first. Raises ConfigError for a name that there is not, and where a
        package's is broken."""
        if name not in self._found:
            self._found[name] = self._load(name)
        return self._found[name]

    def chosen(self, name: str) -> T:
        """The one that the user names. ConfigError also where a package uses a name of fastbench's own, which is
        ambiguous."""
        if fault := self.claimed(name):
            raise ConfigError(fault)
        return self.get(name)

    def loaded(self) -> tuple[dict[str, T], tuple[str, ...]]:
        """Those that can be had, by name, and the faults of the others, a sentence each without a full stop."""
        found: dict[str, T] = {}
        faults: list[str] = []
        for name in self.names():
            try:
                found[name] = self.get(name)
            except FastbenchError as error:
                faults.append(str(error))
        return found, tuple(faults)

    def told(self, name: str) -> str:
        """The thing of this name in words, with its package."""
        points = () if name in self._own else self._plugged.get(name, ())
        return f"the {self._what} {name}" + (f" of the package {_package(points[0])}" if points else "")

    def is_plugged(self, name: str) -> bool:
        """Whether the one of this name is a package's."""
        return name not in self._own

    def blaming(self, name: str, cannot: str) -> AbstractContextManager[None]:
        """ConfigError for what this thing's code raises inside. cannot: what it cannot do then, from "cannot" on."""
        return blamed(f"{self.told(name)} {cannot}")

    def guarded(self, name: str, cannot: str, function: Callable[P, R]) -> Callable[P, R]:
        """A function of the thing of this name: a package's raises ConfigError alone. cannot: as in `blaming`."""
        if not self.is_plugged(name):
            return function

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.blaming(name, cannot):
                return function(*args, **kwargs)

        return call

    def claimed(self, name: str) -> str:
        """The fault if a package uses this name of fastbench's own; "" = none does."""
        if name not in self._own or name not in self._plugged:
            return ""
        package = _package(self._plugged[name][0])
        return (
            f"the {self._what} {name} of the package {package} has the name of one of fastbench's own; rename it "
            "there, or uninstall the package"
        )

    def claims(self) -> Iterator[str]:
        """The faults of packages that use names of fastbench's own."""
        return filter(None, map(self.claimed, self._own))

    def _load(self, name: str) -> T:
        if name in self._own:
            return _named(self._own[name])  # type: ignore[no-any-return]  # fastbench's own are of the kind
        if name not in self._plugged:
            close = get_close_matches(name, self.names(), n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(self.names())}"
            raise ConfigError(f"there is no {self._what} {name}; {hint}")
        return self._of_package(*self._plugged[name])

    def _of_package(self, point: EntryPoint, *others: EntryPoint) -> T:
        if others:
            packages = " and ".join(map(_package, (point, *others)))
            raise ConfigError(
                f"the {self._what} {point.name} is in several packages, {packages}; uninstall all but one"
            )
        where = self.told(point.name)
        with blamed(f"{where} cannot be loaded"):
            thing = point.load()
        if fault := self._wrong_kind(thing):
            raise ConfigError(f"{where} {fault}; fix the package")
        with blamed(f"{where} cannot be used"):
            if self._check:
                _named(self._check)(thing)
            name = getattr(thing, "name", None)
        if name != point.name:
            raise ConfigError(f"{where} is named {name}; give it and its entry point the same name")
        return thing  # type: ignore[no-any-return]  # seen to be of the kind

    def _wrong_kind(self, thing: object) -> str:
        """What it is where it is none of these things; "" where it is one."""
        kind, is_class = _named(self._kind), isinstance(thing, type)
        right = isinstance(thing, type) and issubclass(thing, kind) if self._classes else isinstance(thing, kind)
        if right:
            return ""
        found = getattr(thing, "__name__", "") if is_class else type(thing).__name__
        place = self._kind.replace(":", ".")
        if self._classes:
            form = "" if is_class else "an object of "
            return f"is {form}{found}, and must be a subclass of {place}"
        return f"is {'the class ' if is_class else ''}{found}, and must be {place}"


@cache
def _installed(group: str) -> Mapping[str, Sequence[EntryPoint]]:
    """The entry points of all packages in a group, by their names."""
    found: dict[str, list[EntryPoint]] = {}
    for point in _points().select(group=group):
        found.setdefault(point.name, []).append(point)
    return found


@cache
def _points() -> Any:
    """Those of all groups. Looked for once: it takes a while where many packages are installed."""
    # Imported late: it is slow too, and many commands ask for none.
    from importlib.metadata import entry_points

    return entry_points()


def look_again() -> None:
    """Makes all registries look for packages anew, where some were installed or removed since this process began."""
    _points.cache_clear()
    _installed.cache_clear()
    for registry in (SHAPES, DATASETS, METRICS, DIALECTS):
        registry._found.clear()


def _package(point: EntryPoint) -> str:
    return point.value if point.dist is None else point.dist.name


def _named(place: str) -> Any:
    """The object at `place`, "module:name"."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


SHAPES: Registry[Any] = Registry(
    "fastbench.shapes",
    "load shape",
    "fastbench.plan.shapes.shape:LoadShape",
    {
        "concurrency": "fastbench.plan.shapes.closed:Concurrency",
        "pressure": "fastbench.plan.shapes.closed:Pressure",
        "levels": "fastbench.plan.shapes.levels:Levels",
        "constant": "fastbench.plan.shapes.open:Constant",
        "poisson": "fastbench.plan.shapes.open:Poisson",
        "gamma": "fastbench.plan.shapes.open:Gamma",
        "ramp": "fastbench.plan.shapes.open:Ramp",
        "profile": "fastbench.plan.shapes.profile:Profile",
        "trace": "fastbench.plan.shapes.open:Trace",
    },
    classes=True,
)
"""Classes of load shapes, whose fields are their parameters."""
# Any: what a format is stands above this file.
DATASETS: Registry[Any] = Registry(
    "fastbench.datasets",
    "data-set format",
    "fastbench.datasets:DatasetFormat",
    {
        "synthetic": "fastbench.datasets.synthetic:SYNTHETIC",
        "jsonl": "fastbench.datasets.jsonl:JSONL",
        "template": "fastbench.datasets.template:TEMPLATE",
        "custom": "fastbench.datasets.custom:CUSTOM",
        "sharegpt": "fastbench.datasets.conversations.sharegpt:SHAREGPT",
        "mtbench": "fastbench.datasets.conversations.mtbench:MTBENCH",
        "mooncake": "fastbench.datasets.mooncake:MOONCAKE",
        "trace": "fastbench.datasets.traces:TRACE",
        "rows": "fastbench.datasets.raw.raw_rows:ROWS",
    },
    check="fastbench.datasets.samples:check_format",
)
METRICS: Registry[Any] = Registry(
    "fastbench.metrics",
    "metric",
    "fastbench.metrics:Metric",
    {
        "E2EL": "fastbench.metrics.own:E2EL",
        "TTFT": "fastbench.metrics.own:TTFT",
        "TPOT": "fastbench.metrics.own:TPOT",
        "ITL": "fastbench.metrics.own:ITL",
        "InputTokens": "fastbench.metrics.own:INPUT_TOKENS",
        "OutputTokens": "fastbench.metrics.own:OUTPUT_TOKENS",
        "OutputTokenThroughput": "fastbench.metrics.own:OUTPUT_TOKEN_THROUGHPUT",
        "PrefillTokenThroughput": "fastbench.metrics.own:PREFILL_TOKEN_THROUGHPUT",
        "First Answer Token": "fastbench.metrics.own:FIRST_ANSWER_TOKEN",
        "Thinking Time": "fastbench.metrics.own:THINKING_TIME",
        "Second Token": "fastbench.metrics.own:SECOND_TOKEN",
        "Cached Input Tokens": "fastbench.metrics.own:CACHED_INPUT_TOKENS",
        "Reasoning Tokens": "fastbench.metrics.own:REASONING_TOKENS",
        "Reply Tail": "fastbench.metrics.own:REPLY_TAIL",
        "Response Time": "fastbench.metrics.own:RESPONSE_TIME",
    },
    check="fastbench.metrics.metric:check_metric",
)
"""Of what a request took, or had: `Metric`s by the names of their rows."""
DIALECTS: Registry[Any] = Registry(
    "fastbench.dialects",
    "dialect",
    "fastbench.dialects:Dialect",
    {
        "openai_chat": "fastbench.dialects.apis.openai:OPENAI_CHAT",
        "openai_completions": "fastbench.dialects.apis.openai:OPENAI_COMPLETIONS",
        "tgi_generate": "fastbench.dialects.apis.tgi:TGI_GENERATE",
        "triton_generate": "fastbench.dialects.apis.triton:TRITON_GENERATE",
        "mindie_infer": "fastbench.dialects.apis.mindie:MINDIE_INFER",
    },
    check="fastbench.dialects.checks:check_dialect",
)


def dialect_names() -> dict[str, str]:
    """Each name and each alias of a dialect → its name: first all names, in their order, then the aliases.

    A package's dialect that cannot be loaded has its name alone; `DIALECTS.get` says why.
    """
    names = {name: name for name in DIALECTS.names()}
    for name, dialect in DIALECTS.loaded()[0].items():
        for alias in dialect.aliases:
            names.setdefault(alias, name)
    return names


def alias_fault(name: str) -> str:
    """The fault if a package's dialect goes by this name or alias, and another one does too; "" = none does."""
    known = DIALECTS.loaded()[0]
    first, *others = [own for own, dialect in known.items() if name == own or name in dialect.aliases] or [""]
    if not others:
        return ""
    what = "name" if name == others[0] else "alias"
    whose = f"one of {DIALECTS.told(first)}" if DIALECTS.is_plugged(first) else "one of fastbench's own"
    has = f"{DIALECTS.told(others[0])} has the {what} {name}"
    return f"{has}, which is {whose}; rename it there, or uninstall the package"
