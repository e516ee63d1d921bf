"""All benchmarks, one after the other: `python -m benchmarks`, or `make bench`."""

import subprocess
import sys

ALL = ("bench_ceiling", "bench_exactness", "bench_mock", "bench_recalc")

if __name__ == "__main__":
    failed = 0
    for name in ALL:
        print(f"== {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    sys.exit(failed)
