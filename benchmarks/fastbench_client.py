"""fastbench itself, the whole command: parse, stamp, record, report. Prints events, seconds, CPU seconds.

Events per second are those of its own report (output tokens over the benchmark's duration); CPU is the whole
process's, start and report included.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    url, streams, requests, tokens = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "fastbench", "perf", "--url", url, "--model", "mock", "--quiet"]
        command += ["--input-len", "16", "--output-len", tokens, "--concurrency", streams]
        command += ["--num-prompts", requests, "-w", place]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        report = json.loads(next(Path(place).glob("*/performances/*/*.json")).read_text())
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = float(report["Benchmark Duration"]["total"].split()[0]) / 1000
    print(report["Total Generated Tokens"]["total"], seconds, used.ru_utime + used.ru_stime)
