"""Rules with conditions, read plainly: which role each field of an event has, and what the event then says."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from fastbench._core.wire import Rule

RULES: tuple[Rule, ...] = (
    ("delta", "text"),
    ("delta", "text", "type", "text.delta"),
    ("delta", "reasoning", "type", "reasoning.delta"),
    ("delta", "tool", "part.kind", "call"),
    ("delta", "reasoning", "label", "x"),
    ("usage.output", "usage_in"),
    ("usage.output", "usage_out", "type", "done"),
    ("response", "final", "type", "done"),
    ("label", "text", "part.index", "3"),
)
"""Conditions by four fields, one of them a text itself; of the rules of one path the last one that holds counts."""
TYPES = ("text.delta", "reasoning.delta", "done", "text.delt", "text.deltas", "", None, 3, ["text.delta"])
PARTS = ({"kind": "call"}, {"index": 3}, {"index": "3", "kind": "call"}, {"kind": None}, {}, "call", [], None)
MARKS = {"text": "t", "reasoning": "r", "tool": "x"}
Pairs = list[tuple[str, object]]


def make_event(rng: random.Random, text: str) -> Pairs:
    """The members of an event, in any order, now and then with one of them twice."""
    members: Pairs = [("type", rng.choice(TYPES)), ("type", rng.choice(TYPES)), ("part", rng.choice(PARTS))]
    members += [("delta", text), ("label", rng.choice(("x", "a label"))), ("usage", {"output": 7})]
    members += [("response", {"id": {"type": "done"}}), ("sequence", [1, {"type": "done"}, "}"])]
    return rng.sample(members, rng.randint(1, len(members)))


def again(rng: random.Random, event: Pairs, text: str) -> Pairs:
    """The same event with another text, as most of a stream are."""
    return [(key, text if key == "delta" else value) for key, value in event]


def written(rng: random.Random, event: Pairs) -> bytes:
    """The event as JSON, spaced in one of the usual ways."""
    comma, colon = rng.choice(((", ", ": "), (",", ":"), (" ,\t", " : ")))
    members = (f"{json.dumps(key)}{colon}{json.dumps(value)}" for key, value in event)
    return f"{{{comma.join(members)}}}".encode()


def read(event: Pairs) -> tuple[str, int, int, bool]:
    """What the event says: its output as the core keeps it, the usage's two counts, and whether it is the last."""
    roles = {
        path: role for path, role, *when in RULES if not when or _spelling(_field(event, when[0].split("."))) == when[1]
    }
    output, counts, final = "", {"usage_in": -1, "usage_out": -1}, False
    for key, value in event:
        if roles.get(key) in MARKS and isinstance(value, str) and value:
            output += f"{MARKS[roles[key]]}{json.dumps(value)}\n"
        if key == "usage" and isinstance(value, dict):
            counts[roles["usage.output"]] = value["output"]
        final = final or (key == "response" and roles.get(key) == "final")
    return output, counts["usage_in"], counts["usage_out"], final


def _field(event: Any, keys: Sequence[str]) -> object:
    """The value at a path; {}, which equals nothing, where there is none."""
    for key in keys:
        members = event if isinstance(event, list) else list(event.items()) if isinstance(event, dict) else []
        event = next((value for name, value in members if name == key), {})
    return event


def _spelling(value: object) -> str | None:
    """A value as conditions compare it; None for what equals nothing."""
    if isinstance(value, str):
        return value
    return None if isinstance(value, (dict, list)) else json.dumps(value)
