"""The replies of TGI, Triton's generate extension and MindIE; slots as in `styles`.

TGI frames its events without a space behind the colon. Each variant "with usage" is the one with `details`, which
tell the token counts; MindIE's Triton route gives them in each event.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastbench.mock.styles import DIALECTS, Json, Pieces, Templates, json_bytes, template

GENERATE_DIALECTS = DIALECTS[2:]
"""The protocols beside OpenAI's."""

_COUNTED: Json = {"generated_tokens": "@=completion@"}
_DETAILS: Json = {"finish_reason": "@=finish@", **_COUNTED, "seed": None}
_TGI_DETAILS: Json = {**_DETAILS, "input_length": "@=prompt@"}


@dataclass(frozen=True)
class Records:
    """What a dialect sends. text, last: an event, the last one; whole: a reply that is no stream; by `details`."""

    frame: bytes
    text: tuple[Json, Json]
    last: tuple[Json, Json]
    whole: tuple[Json, Json]
    error: Json


def _tgi() -> Records:
    token = {"id": "@=token@", "text": "@text@", "logprob": -0.5, "special": False}

    def event(whole: str | None, details: Json | None) -> Json:
        return {"index": "@=position@", "token": token, "generated_text": whole, "details": details}

    text = event(None, None)
    reply: Json = {"generated_text": "@text@"}
    return Records(
        frame=b"data:",
        text=(text, text),
        last=(event("@whole@", None), event("@whole@", _TGI_DETAILS)),
        whole=(reply, {**reply, "details": {**_TGI_DETAILS, "prefill": [], "tokens": []}}),
        error={"error": "Request failed during generation: CUDA error", "error_type": "generation"},
    )


def _mindie() -> Records:
    times = {"prefill_time": None, "decode_time": 16.8}
    text = {**times, "token": {"id": "@=ids@", "text": "@text@"}}

    def last(details: Json | None) -> Json:
        return {**times, "generated_text": "@whole@", "details": details, "token": {"id": "@=ids@", "text": None}}

    reply: Json = {"generated_text": "@text@"}
    return Records(
        frame=b"data: ",
        text=(text, text),
        last=(last(None), last(_DETAILS)),
        whole=(reply, {**reply, "details": _DETAILS}),
        error={"error": "Engine callback timeout.", "error_type": "Incomplete Generation"},
    )


def _triton(model: str) -> Records:
    event: Json = {"model_name": model, "model_version": "1", "text_output": "@text@"}
    last = {**event, "details": {"finish_reason": "@=finish@", **_COUNTED}}
    return Records(
        frame=b"data: ",
        text=(event, {**event, "details": _COUNTED}),
        last=(event, last),
        whole=(event, last),
        error={"error": "in ensemble 'mock', failed to run the model: out of memory"},
    )


def make_generate_templates(model: str, *, spaced: bool) -> Templates:
    """All templates of these dialects, by (dialect, kind, with details)."""
    templates: Templates = {}
    for dialect, records in {"tgi": _tgi(), "triton": _triton(model), "mindie": _mindie()}.items():
        for details in (False, True):
            start, _, end = json_bytes(records.whole[details], spaced=spaced).partition(b"@text@")
            kinds: dict[str, Pieces] = {
                "text": _event(records, records.text[details], spaced=spaced),
                "text_last": _event(records, records.last[details], spaced=spaced),
                "error": [records.frame + json_bytes(records.error, spaced=spaced) + b"\n\n"],
                "body_open": [start],
                "body_choice": ["text"],
                "body_close": template(end),
            }
            templates |= {(dialect, kind, details): pieces for kind, pieces in kinds.items()}
    return templates


def _event(records: Records, value: Json, *, spaced: bool) -> Pieces:
    return template(records.frame + json_bytes(value, spaced=spaced) + b"\n\n")
