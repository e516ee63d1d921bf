"""The command against a real service behind a proxy that breaks some connections: the accounts stay whole."""

import random
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from nursery import Mock, nursery, package_environment
from proxy import Meddling, proxy_to

from fastbench._core.ring import OUTCOMES
from fastbench.recording import NOT_FINAL, Recording

PLANNED = 160
SEED = 8
# What a connection may end like for the request that was on it.
ALLOWED = {
    "finish": {"truncated"},
    "reset": {"reset"},
    "stall": {"timeout"},
    "drip": {"ok"},
    "garbage": {"malformed"},
}


def measure(port: int, directory: Path, *options: object) -> tuple[int, str]:
    """Exit code and standard error."""
    arguments = ["perf", "-q", "--no-plot", "-w", directory, "--url", f"http://127.0.0.1:{port}", "--model", "mock"]
    sizes = ["--num-prompts", PLANNED, "--concurrency", 16, "--input-len", 8, "--output-len", 16, "--num-warmups", 0]
    told = list(map(str, [*arguments, *sizes, *options]))
    code, _, errors = nursery().run(directory, told, package_environment(), 100)
    return code, errors


@pytest.mark.parametrize("act", ALLOWED)
def test_a_connection_that_is_meddled_with(tmp_path: Path, act: str) -> None:
    """Of many connections some break at a random byte: each costs the one request on it, and the run goes on."""
    rng = random.Random(f"{SEED}/{act}")
    chosen = {number: Meddling(rng.randrange(1, 3000), act) for number in range(0, 40, 3)}
    with Mock(ttft_ms=5, itl_ms=1) as mock:
        service = urlsplit(mock.url).port
        assert service is not None
        with proxy_to(service, chosen.get) as proxy:
            code, errors = measure(proxy.port, tmp_path, "--timeout", "3s" if act == "stall" else "30s", "--retry", 0)
            opened = proxy.connections
    assert code == 0, errors
    (path,) = tmp_path.rglob("*_recording")
    rows = Recording.open(path).rows
    final = rows[rows["flags"] & NOT_FINAL == 0]
    assert np.array_equal(np.sort(final["request"]), np.arange(PLANNED))
    found = {OUTCOMES[code] for code in final["outcome"]}
    assert "ok" in found
    assert found <= ALLOWED[act] | {"ok"}
    broken = int((final["outcome"] != OUTCOMES.index("ok")).sum())
    assert broken <= sum(number < opened for number in chosen)
    assert (broken > 0) == (act != "drip")
