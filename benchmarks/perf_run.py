"""One run of `fastbench perf` against a simulated service, watched; what it left behind is read and deleted."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.place import pin
from benchmarks.watched import FASTBENCH, watch
from fastbench.mock import Mock
from fastbench.recording import Recording


class PerfRun(NamedTuple):
    """What a run cost and left. Peaks are of private memory, in bytes: while load ran, and of the report after it."""

    seconds: float
    report_seconds: float
    """From the last outcome to the end of the process."""
    load_peak: int
    report_peak: int
    recording_bytes: int
    output: str
    common: dict[str, Any]
    trust: dict[str, Any]


def perf(
    mock: Mock,
    *options: object,
    keep: Path | None = None,
    processor: int | None = None,
    through: Sequence[str] = (),
) -> PerfRun:
    """Runs the command with these options. keep: where the report's files, without the recording, are to stay.
    through: a command that starts it."""
    pin(0, mock.pid)
    with tempfile.TemporaryDirectory(prefix="fastbench-bench-") as name:
        where = ("--url", mock.url, "--model", "mock", "--num-warmups", 0, "--quiet", "-w", name)
        run = watch([*through, *FASTBENCH, "perf", *map(str, (*where, *options))], processor=processor)
        (results,) = Path(name).glob("*/performances/*")
        (recording,) = results.glob("*_recording")
        (trust,) = results.glob("*_trust.json")
        common = common_file(recording)
        footer = Recording.open(recording).footer or {}
        if keep is not None:
            _keep(results, keep, run.output)
        return PerfRun(
            seconds=run.seconds,
            report_seconds=(run.memory[-1][0] - footer["finished_ns"]) / 1e9,
            load_peak=run.peak(until_ns=footer["finished_ns"]),
            report_peak=run.peak(),
            recording_bytes=sum(path.stat().st_size for path in recording.iterdir()),
            output=run.output,
            common=json.loads(common.read_text()),
            trust=json.loads(trust.read_text()),
        )


def common_file(recording: Path) -> Path:
    """The file of AISBench's common metrics, beside a recording."""
    return recording.with_name(recording.name.removesuffix("_recording") + ".json")


def _keep(results: Path, keep: Path, output: str) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    for path in results.iterdir():
        if path.is_file():
            shutil.copy2(path, keep)
    (keep / "report.txt").write_text(output)
