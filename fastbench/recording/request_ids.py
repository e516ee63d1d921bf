"""The ids of requests: UUIDs that the run's id and the request's number make, so that none is drawn or stored."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

MEASURED: Final = "0"
WARM_UP: Final = "a"
PROBE: Final = "b"
"""The first of an id's last twelve digits; the others are the request's number, in decimal."""
DIGITS: Final = 11
_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}")


def new_run_id() -> str:
    """The first 16 digits of a random UUID of version 4, version and variant among them: `xxxxxxxx-xxxx-4xxx-yxxx`."""
    return str(uuid.uuid4())[:23]


def request_id(run_id: str, request: int, kind: str = MEASURED) -> str:
    """The id that a request of a run carries. run_id: of `new_run_id`. request: below 10**11."""
    return f"{run_id}-{kind}{request:011d}"


def id_form(run_id: str) -> tuple[str, int]:
    """What the ids of a run's measured requests begin with, and how many digits their number has at least: UUIDs, or
    `fb-<run_id>-<request>` in recordings that are older."""
    return (f"{run_id}-{MEASURED}", DIGITS) if _RUN_ID.fullmatch(run_id) else (f"fb-{run_id}-", 1)


def recorded_id(run_id: str, request: int) -> str:
    """The id that a measured request carried, of whatever version of fastbench the recording is."""
    prefix, digits = id_form(run_id)
    return f"{prefix}{request:0{digits}d}"


def sends_ids(header: dict[str, Any]) -> bool:
    """Whether the requests of the recording with this header carried an id, in a header or in the body."""
    service = header.get("service") or {}
    # Older recordings do not tell of the body; the ones that had an id in it are these.
    in_body = service.get("request_id_in_body", service.get("backend") == "triton_generate")
    return bool(in_body) or service.get("request_id_header", "X-Request-Id") is not None
