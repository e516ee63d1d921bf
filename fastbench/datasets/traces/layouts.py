"""Which column of a trace means what: by the layouts of public traces, or as the settings say."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import NamedTuple

from fastbench.datasets.traces.settings import TraceColumns
from fastbench.errors import DatasetError
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

SHARED = "hash_ids"
"""The column of Mooncake's traces that says which blocks of tokens prompts share."""
_SHOWN = 160
_UNITS = {"s": NS_PER_S, "ms": NS_PER_MS, "us": NS_PER_US, "ns": 1}


@dataclass(frozen=True)
class Layout:
    """The columns of one published kind of trace. fails: whether a request without output tokens is one that failed."""

    name: str
    columns: TraceColumns
    fails: bool = False

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a file with this header has the layout; sessions are in some files of a kind only."""
        wanted = (self.columns.timestamp, self.columns.input, self.columns.output)
        return all(_split(name or "", ())[0] in header for name in wanted)


# TIMESTAMP is "2023-11-16 18:15:46.6805900" in the traces of 2023, "2024-05-10 00:00:00.009930+00:00" in those of 2024.
AZURE = Layout("Azure", TraceColumns(timestamp="TIMESTAMP", input="ContextTokens", output="GeneratedTokens"))
# Seconds; sessions since BurstGPT_3, and only of conversations.
BURSTGPT = Layout(
    "BurstGPT",
    TraceColumns(timestamp="Timestamp", input="Request tokens", output="Response tokens", session="Session ID"),
    fails=True,
)
MOONCAKE = Layout(
    "Mooncake", TraceColumns(timestamp="timestamp:ms", input="input_length", output="output_length", session="")
)
LAYOUTS = (AZURE, BURSTGPT, MOONCAKE)


class Columns(NamedTuple):
    """The columns of one file; None = it has none such. unit_ns: of times that are numbers."""

    timestamp: str | None
    unit_ns: int
    input: str | None
    output: str | None
    session: str | None
    fails: bool

    @property
    def names(self) -> list[str]:
        """Those that there are."""
        return [name for name in (self.timestamp, self.input, self.output, self.session) if name is not None]


def columns_of(path: str, header: Sequence[str], given: TraceColumns | None, option: str) -> Columns:
    """The columns of a file with this header. given: over those of its layout. option: the setting that names them.

    Raises DatasetError for a name that is not in the header, and where neither layout nor settings say anything.
    """
    layout = next((one for one in LAYOUTS if one.fits(header)), None)
    known = layout.columns if layout else TraceColumns()
    if layout is None and given is None:
        names = ", ".join(one.name for one in LAYOUTS)
        raise DatasetError(
            f"{path}: its columns are {_listed(header)}, which is none of the known layouts ({names}); name them with "
            f"{option} timestamp=NAME,input=NAME,output=NAME"
        )

    def named(field: str) -> str | None:
        chosen = getattr(given, field) if given is not None else None
        if chosen is None:
            usual = getattr(known, field)
            # Of a layout only those of its columns are used that this file has.
            return usual if usual and _split(usual, header)[0] in header else None
        if chosen and _split(chosen, header)[0] not in header:
            stem, _, unit = chosen.rpartition(":")
            if stem in header:
                raise DatasetError(
                    f"{path}: {option} names {chosen} as {field}, and {unit} is no unit of times; give {stem}:ms, :us "
                    f"or :ns, or {stem} alone for seconds"
                )
            raise DatasetError(
                f"{path}: there is no column {_split(chosen, header)[0]}, which {option} names as {field}; its columns "
                f"are {_listed(header)}"
            )
        return chosen or None

    timestamp, unit_ns = _split(named("timestamp") or "", header)
    fails = layout is not None and layout.fails
    return Columns(timestamp or None, unit_ns, named("input"), named("output"), named("session"), fails)


def _split(name: str, header: Sequence[str]) -> tuple[str, int]:
    """`NAME:ms` → the name and its unit, ns; seconds for a name that the header has as it stands."""
    stem, _, unit = name.rpartition(":")
    if name in header or not stem or unit not in _UNITS:
        return name, NS_PER_S
    return stem, _UNITS[unit]


def _listed(header: Sequence[str]) -> str:
    return shorten(", ".join(header), _SHOWN, placeholder=" …") or "none"
