"""`fastbench.compare`: did it get slower?"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fastbench.answers.comparison import (
    RUNS_TO_RESAMPLE,
    STATS,
    TOLERANCE,
    Asking,
    Comparison,
    Known,
    Side,
    compare_sides,
    gate_keys,
    stats_of,
)
from fastbench.api.comparing.sources import Given, Reading, history, of_common_workload, paths_of, side_of
from fastbench.config import parse_stats
from fastbench.errors import UsageError
from fastbench.metrics.samples import percent_of
from fastbench.options import one_stage
from fastbench.recording import progress_between

_MOST = 0.5


def compare(
    *sides: Given,
    base: str | Path | None = None,
    labels: Mapping[str, str] | Sequence[str] = (),
    stats: Sequence[str] | str | None = None,
    gate: Sequence[str] | str = (),
    tolerance: float | str | None = None,
    run_noise: float | str | None = None,
    slo: str | Sequence[str] | None = None,
    stage: str | None = None,
    window: str | None = None,
    anyway: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> Comparison:
    """B against A, or, with `base`, each of the others against it. Nothing is sent.

    sides: each the path of a recording, a run or a work dir (all its runs are runs of that side), a `Result`, or a list
    of them. base: the label or path of one. labels: in their order, or by letter: {"A": "before"}. stats: percentiles,
    such as "P50,P99"; None = P50, P90, P99. gate: what decides `verdict` and `code`, such as
    "ttft.p99,output_throughput"; () = the usual. tolerance: a change for the worse that does not count, of 1 or "2%";
    None = 2 %. run_noise: the standard deviation from run to run, of 1 or "3%"; None = as the runs, or earlier ones of
    the work dir, tell. slo: None = those of each run. stage, window: None = as each was reported. anyway: compute what
    is refused too. on_progress: called with 0 to 1.

    Sides that are not comparable give a Comparison with `refusals`, code 4. UsageError for what cannot be asked and
    where a path has no recording, RecordingError for one that cannot be read.
    """
    if len(sides) < 2:
        raise UsageError("a comparison is of two sides at least: name another recording, run or work dir")
    asking = asking_of(stats, gate, tolerance)
    reading = Reading(asking.stats, slo, one_stage(stage, window))
    noise = None if run_noise is None else _share(run_noise, "run_noise")
    names = labels_of(len(sides), labels)
    paths, left_out = of_common_workload([paths_of(side) for side in sides])
    found = []
    for place, (name, own) in enumerate(zip(names, paths, strict=True)):
        part = progress_between(on_progress, place / len(sides), (place + 1) / len(sides))
        found.append(side_of(name, own, reading, part))
    known = Known(noise) if noise is not None else _known(found, paths, reading)
    known_as = [list(map(str, (given, *own))) for given, own in zip(sides, paths, strict=True)]
    return _against_base(found, known_as, base, asking._replace(known=known, anyway=anyway), left_out)


def asking_of(stats: Sequence[str] | str | None, gate: Sequence[str] | str, tolerance: float | str | None) -> Asking:
    """As `compare` takes them; the percentiles of the gate are among those that are looked at."""
    percents = STATS if stats is None else _percentiles(stats)
    keys = gate_keys(_texts(gate)) or None
    wanted = tuple(dict.fromkeys((*percents, *stats_of(keys or ()))))
    return Asking(wanted, TOLERANCE if tolerance is None else _share(tolerance, "tolerance"), keys)


def _against_base(
    found: Sequence[Side],
    known_as: Sequence[Sequence[str]],
    base: str | Path | None,
    asking: Asking,
    left_out: Sequence[str],
) -> Comparison:
    first, more = 0, []
    if base is not None:
        wanted = str(base)
        at = [
            place
            for place, side in enumerate(found)
            if side.label == wanted or wanted in known_as[place] or str(Path(wanted).resolve()) in known_as[place]
        ]
        if not at:
            raise UsageError(
                f"--base {wanted} is none of the sides: they are {', '.join(side.label for side in found)}"
            )
        first = at[0]
    elif len(found) > 2:
        more.append(
            f"{len(found)} sides are not comparable because none is the base: name it by --base, such as "
            f"--base {found[0].label}."
        )
    others = [side for place, side in enumerate(found) if place != first]
    return compare_sides(found[first], others, asking, more, left_out)


def _known(sides: Sequence[Side], paths: Sequence[Sequence[Path]], reading: Reading) -> Known:
    """What is known of noise between runs; earlier runs are read only where the sides' own do not tell."""
    counts = [len(side.runs) for side in sides]
    if min(counts) >= RUNS_TO_RESAMPLE or sum(count - 1 for count in counts) > 1:
        return Known()
    return Known(None, history(paths, [side.runs[0] for side in sides], reading))


def labels_of(count: int, labels: Mapping[str, str] | Sequence[str]) -> list[str]:
    """Of so many sides: A, B, … where nobody says."""
    letters = [string.ascii_uppercase[place] if place < 26 else f"S{place}" for place in range(count)]
    if isinstance(labels, str):
        raise UsageError('labels= is text; give a list, or a mapping such as {"A": "before"}')
    if isinstance(labels, Mapping):
        odd = next((name for name in labels if name not in letters), None)
        if odd is not None:
            raise UsageError(f"the label {odd}={labels[odd]} is of no side: they are {', '.join(letters)}")
        names = [str(labels.get(letter, letter)) for letter in letters]
    else:
        names = [*map(str, labels), *letters[len(labels) :]]
    if len(names) != count or len(set(names)) != count or not all(names):
        raise UsageError(f"{count} sides need {count} different labels: {', '.join(names)}")
    return names


def _percentiles(stats: Sequence[str] | str) -> tuple[str, ...]:
    names = parse_stats(stats)
    odd = next((name for name in names if percent_of(name) is None), None)
    if odd is not None:
        raise UsageError(f"a comparison is of percentiles, such as P50 or P99.9; {odd} is none")
    return tuple(dict.fromkeys(f"P{percent_of(name):g}" for name in names))


def _texts(gate: Sequence[str] | str) -> list[str]:
    parts = [gate] if isinstance(gate, str) else gate
    return [text for part in parts for text in part.split(",") if text.strip()]


def _share(value: float | str, name: str) -> float:
    """0.02, "2%" or "2" (per cent), as a share of 1."""
    try:
        share = float(str(value).strip().removesuffix("%")) / 100 if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share <= _MOST:
        raise UsageError(f"--{name.replace('_', '-')} {value} is not a share from 0% to {_MOST:.0%}: write it as 2%")
    return share
