"""What is asked of the service before the load: whether it is there, and whether it speculates."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request
from collections.abc import Callable
from urllib.error import HTTPError

from fastbench.errors import ServiceError

PAUSE_S = 1.0
LIMIT_S = 5.0
"""For one answer."""
BROKEN = 500
"""HTTP statuses from here on say that the service is not ready."""
_COUNTERS = b"vllm:spec_decode"


def wait_for(url: str, limit_s: float, *, verify: bool, sleep: Callable[[float], None] = time.sleep) -> None:
    """Waits until the service answers. url: its base URL. ServiceError when it has not after limit_s."""
    end = time.monotonic() + limit_s
    while not _answers(url, verify=verify):
        left_s = end - time.monotonic()
        if left_s <= 0:
            raise ServiceError(f"{url} did not answer within {limit_s:g} s (--ready-check-timeout-sec)")
        sleep(min(PAUSE_S, left_s))


def speculates(url: str, *, verify: bool) -> bool:
    """Whether the service's metrics page has vLLM's counters of speculative decoding."""
    try:
        with _opener(verify).open(f"{url}/metrics", timeout=LIMIT_S) as reply:
            return _COUNTERS in reply.read()
    except (OSError, ValueError, http.client.HTTPException):
        # What has no such page does not tell, as to vLLM.
        return False


def _answers(url: str, *, verify: bool) -> bool:
    try:
        with _opener(verify).open(f"{url}/v1/models", timeout=LIMIT_S):
            return True
    except HTTPError as error:
        return error.code < BROKEN
    except (OSError, http.client.HTTPException):
        return False


def _opener(verify: bool) -> urllib.request.OpenerDirector:
    """One that asks no proxy, as the load does not."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
