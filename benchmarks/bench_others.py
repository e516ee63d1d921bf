"""fastbench beside other tools: each whole, from its command to its exit, against the simulated service, in turn.

    python -m benchmarks.bench_others --tools DIR [--json FILE]

Not part of all benchmarks, as it needs the others: DIR has an environment of each (`other_tools` says how to make
them); one that is not there is left out, with a sentence. Service and client share all processors, as the system
deals them. `events/s`: 64 streams without gaps, 1,024 tokens a request, by the tool's own duration; `CPU`: of the same
turn, user and system, start to exit, with all children (a slow tool has a hundredth of the requests). `all in flight`,
`TTFT added`: 1,000 requests of 48 tokens at once, TTFT 200 ms, ITL 20 ms; the first by the service's log, from the
first arrival to the moment when all are with it, or the most that ever were; the second is the tool's median TTFT less
the service's own, from arrival to write. Medians of the rounds.
"""

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

import fastbench
from benchmarks.harness import Figure, Results, run_main
from benchmarks.other_tools import TOOLS, Load, Tool, tokenizer_home
from fastbench.mock import Mock

PROMISES = ("P15", "others")
GOAL_CPU = 20
RUST = "vllm-bench (Rust)"
TURN_S = 150
"""A turn that takes longer is ended, and said to have been."""
TOKENS = 1024
REQUESTS, SLOW_REQUESTS = 10_000, 96
"""Of a turn without gaps: some seconds at the rates that are usual for fast and for slow tools."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--tools", type=Path, default=Path("~/.cache/fastbench-others"), metavar="DIR")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow-rounds", type=int, default=1, help="of the tools in Python")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of all numbers of requests, for trials")


def measure(tools: Path, rounds: int, slow_rounds: int, scale: float) -> Results:
    """missing: tool → why; tools: tool → its environment, and its turns (ceiling, burst)."""
    tools = tools.expanduser()
    there, missing = _there(tools)
    results: Results = {"missing": missing, "tools": {tool.name: _environment(tools, tool) for tool in there}}
    with tempfile.TemporaryDirectory(prefix="fastbench-others-") as name:
        home = tokenizer_home(Path(name))
        for turn in range(rounds):
            for tool in there:
                if turn < (slow_rounds if tool.slow else rounds):
                    _round(tool, _program(tools, tool), home, scale, results["tools"][tool.name])
    return results


def _there(tools: Path) -> tuple[list[Tool], dict[str, str]]:
    """The tools that can be measured, and why each other one can not."""
    there = [tool for tool in TOOLS if _program(tools, tool)]
    why = {tool.name: f"there is no {tools / tool.folder / tool.program}" for tool in TOOLS if tool not in there}
    return there, why


def _program(tools: Path, tool: Tool) -> str:
    """The tool's command; fastbench's is this tree's."""
    found = sorted((tools / tool.folder).glob(tool.program)) if tool.program else [Path(sys.executable)]
    return str(found[0]) if found else ""


def _environment(tools: Path, tool: Tool) -> dict[str, Any]:
    """Version, packages and bytes of the tool's environment, without pip; nothing where there is none."""
    folder = tools / tool.folder
    found = sorted(folder.glob("lib/python*/site-packages/*.dist-info"))
    names = [path.name.removesuffix(".dist-info").rpartition("-") for path in found]
    packages = {name.replace("_", "-").lower(): version for name, _, version in names}
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    others = set(packages) - {"pip", "setuptools"}
    version = packages.get(tool.package, "") if tool.program else fastbench.__version__
    return {"version": version, "packages": len(others), "bytes": size, "faults": []}


def _round(tool: Tool, program: str, home: Path, scale: float, into: dict[str, Any]) -> None:
    """One turn of each kind."""
    kinds: dict[str, tuple[int, int, int, dict[str, Any]]] = {
        "ceiling": (64, SLOW_REQUESTS if tool.slow else REQUESTS, TOKENS, {}),
        "burst": (1000, 1000, 48, {"ttft_ms": 200, "itl_ms": 20}),
    }
    for kind, (streams, count, tokens, service) in kinds.items():
        count = max(2, int(count * scale))
        try:
            turn = _turn(tool, program, home, min(streams, count), count, tokens, service)
        except RuntimeError as error:
            into["faults"].append(f"{kind}: {error}")
        else:
            into.setdefault(kind, []).append(turn)
        print(f"{tool.name} {kind}: {into.get(kind, into['faults'])[-1]}", file=sys.stderr, flush=True)


def _turn(
    tool: Tool, program: str, home: Path, streams: int, requests: int, tokens: int, service: dict[str, Any]
) -> dict[str, Any]:
    """One run of a tool against a service of its own. Raises RuntimeError: it did not end, or failed."""
    with tempfile.TemporaryDirectory(prefix="fastbench-others-") as name:
        place, log = Path(name), Path(name) / "service.jsonl"
        with Mock(**service, **({"log": str(log)} if service else {})) as mock:
            load = Load(mock.url, streams, requests, tokens, place, home)
            cpu_s = _run(tool.command(program, load), load)
        try:
            said = tool.said(load)
        except (OSError, StopIteration, KeyError, ValueError) as error:
            raise RuntimeError(f"no result is there ({error!r}): {_last(place)}") from error
        turn = {"requests": said.requests, "tokens_per_s": said.requests * tokens / said.seconds, "cpu_s": cpu_s}
        turn["tokens"] = said.requests * tokens
        if service:
            seen = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            turn |= burst(seen, streams, said.ttft_ms)
        return turn


def _run(command: list[str], load: Load) -> float:
    """CPU of the command and its children, s."""
    environment = {**os.environ, "HF_HOME": str(load.home), "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # whoever starts twice has its bytecode
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (load.place / "printed").open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=load.place, env=environment,
            process_group=0, preexec_fn=_all_descriptors,
        )  # fmt: skip
        try:
            code = process.wait(TURN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise RuntimeError(f"was ended after {TURN_S} s: {_last(load.place)}") from None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        raise RuntimeError(f"ended with status {code}: {_last(load.place)}")
    time.sleep(0.2)  # what it closed is closed
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _all_descriptors() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _last(place: Path) -> str:
    """The last line that a tool printed."""
    return ((place / "printed").read_text(errors="replace").strip().splitlines() or [""])[-1][:200]


def burst(seen: list[dict[str, Any]], streams: int, ttft_ms: float) -> dict[str, Any]:
    """What the service saw. seen: its log. ramp_ms: None = it never had all streams at once; peak: the most it had."""
    seen = [entry for entry in seen if entry["writes_ns"]]
    steps = sorted((at, change) for entry in seen for at, change in ((entry["arrived_ns"], 1), (_end(entry), -1)))
    flying = peak = began = 0
    ramp = None
    for at, change in steps:
        began = at if flying == 0 else began
        flying += change
        peak = max(peak, flying)
        if flying == streams and ramp is None:
            ramp = (at - began) / 1e6
    own = statistics.median((entry["writes_ns"][0] - entry["arrived_ns"]) / 1e6 for entry in seen)
    return {"ramp_ms": ramp, "peak": peak, "added_ms": ttft_ms - own}


def _end(entry: dict[str, Any]) -> int:
    return int(entry["writes_ns"][-1])


def _median(tool: dict[str, Any], kind: str, field: str) -> float | None:
    """None where no round has it."""
    values = [turn[field] for turn in tool.get(kind, []) if turn[field] is not None]
    return statistics.median(values) if values else None


def _shown(value: float | None, form: str, otherwise: str = "") -> str:
    return otherwise if value is None else format(value, form)


def details(results: Results) -> str:
    """One line for each tool; what is missing, what failed."""
    rows = [
        (
            name,
            tool["version"],
            _shown(_median(tool, "ceiling", "tokens_per_s"), ",.0f"),
            _shown(
                _median(tool, "burst", "ramp_ms"), ",.1f", f"never ({_shown(_median(tool, 'burst', 'peak'), '.0f')})"
            ),
            _shown(_median(tool, "burst", "added_ms"), ",.2f"),
            _shown(_median(tool, "ceiling", "cpu_s"), ".1f"),
            _shown(_median(tool, "ceiling", "tokens"), ",.0f"),
            tool["packages"],
            f"{tool['bytes'] / 1e6:,.0f}",
        )
        for name, tool in results["tools"].items()
    ]
    head = [
        "tool",
        "version",
        "events/s",
        "all in flight, ms",
        "TTFT added, ms",
        "CPU, s",
        "of tokens",
    ]
    lines = [str(tabulate(rows, [*head, "packages", "MB"], disable_numparse=True))]
    lines += [f"{name} is left out: {why}" for name, why in results["missing"].items()]
    lines += [f"{name}, {fault}" for name, tool in results["tools"].items() for fault in tool["faults"]]
    return "\n".join(lines)


def figures(results: Results) -> list[Figure]:
    """The CPU beside the Rust client's, and what is told of it besides."""
    mine, rust = results["tools"]["fastbench"], results["tools"].get(RUST)
    goal, what = f"≥ {GOAL_CPU} x less", f"CPU of 10,000 x 1,024 without gaps, beside {RUST}"
    if rust is None:
        return [Figure("P15", what, goal, "-", met=None, why=results["missing"][RUST])]
    lines = []
    own, other = _median(mine, "ceiling", "cpu_s"), _median(rust, "ceiling", "cpu_s")
    if own and other:
        short = f"{GOAL_CPU - other / own:.1f} x short"
        ratio = f"{other / own:.1f} x less"
        seconds = f"{own:.2f} s, {other:.2f} s"
        lines.append(Figure.against("P15", what, goal, seconds, other >= GOAL_CPU * own, short, ratio))
    for kind, field, words, form in (
        ("ceiling", "tokens_per_s", "output events/s of 64 streams without gaps", ",.0f"),
        ("burst", "ramp_ms", "1,000 at once: all in flight after, ms", ".1f"),
        ("burst", "added_ms", "1,000 at once: TTFT added, median, ms", ".2f"),
    ):
        own, other = _median(mine, kind, field), _median(rust, kind, field)
        lines.append(Figure("others", words, "", _shown(own, form, "-"), f"{RUST} {_shown(other, form, '-')}"))
    return lines


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
