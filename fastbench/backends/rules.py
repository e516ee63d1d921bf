"""Which JSON paths of a reply mean what; `[]` stands for every item of a list. The core compiles these."""

from collections.abc import Iterator

Rules = tuple[tuple[str, str], ...]
"""(path, role); the path "" is the whole document. Roles:

text, reasoning, tool: output where it is not empty, of any shape (a string, a list of parts, an object with a text);
special: true marks the text as a token that belongs to no output; choice: one choice of the event; index, token_ids (a
list, or one id): of that choice; finish: its finish reason; reason: the word alone, which completes nothing; piece,
whole: objects with output, of which the second is read only where the first does not stand beside it; final: the record
that ends the reply, as text the whole reply's text; prompt_token_ids; usage_in, usage_out, usage_total, usage_cached,
usage_reasoning; error: where it is not empty; error_word: where it is "error" or "failed"; code and message: an error
where both stand in an event without output; detail: one where there is no choice."""


def _usage(path: str) -> Iterator[tuple[str, str]]:
    """The names that services give to the counts of a usage."""
    for name in ("prompt_tokens", "input_tokens"):
        yield f"{path}.{name}", "usage_in"
        yield f"{path}.{name}_details.cached_tokens", "usage_cached"
    for name in ("completion_tokens", "output_tokens"):
        yield f"{path}.{name}", "usage_out"
        yield f"{path}.{name}_details.reasoning_tokens", "usage_reasoning"
    yield f"{path}.total_tokens", "usage_total"
    yield f"{path}.reasoning_tokens", "usage_reasoning"
    for name in ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens"):
        yield f"{path}.{name}", "usage_cached"


_ERRORS: Rules = (
    *((name, "error") for name in ("error", "Error", "errors", "error_code", "error_msg", "error_message")),
    *((name, "error") for name in ("errorCode", "errorMessage", "response.error")),
    *((name, "error_word") for name in ("object", "type", "status")),
    *((name, "code") for name in ("code", "statusCode", "status_code")),
    *((name, "message") for name in ("message", "msg")),
    ("detail", "detail"),
)

_OPENAI: Rules = (
    ("choices[]", "choice"),
    ("choices[].index", "index"),
    ("choices[].finish_reason", "finish"),
    ("choices[].finish_reason.type", "finish"),
    ("choices[].token_ids", "token_ids"),
    ("prompt_token_ids", "prompt_token_ids"),
    ("choices[].prompt_token_ids", "prompt_token_ids"),
    *((f"choices[].{name}", "error") for name in ("error", "error_code", "delta.error", "message.error")),
    *_usage("usage"),
    *_usage("choices[].usage"),
    *_ERRORS,
)

_CHAT_OUTPUT: Rules = (
    *((name, "text") for name in ("content", "text", "refusal", "audio.transcript")),
    *((name, "reasoning") for name in ("reasoning", "reasoning_content", "reasoning_text", "reasoning_details")),
    *((name, "reasoning") for name in ("thinking", "thinking_content", "thinking_blocks", "thought", "thoughts")),
    *((name, "tool") for name in ("tool_calls", "function_call")),
)

CHAT_RULES: Rules = (
    ("choices[].delta", "piece"),
    ("choices[].message", "whole"),
    *((f"choices[].{part}.{path}", role) for part in ("delta", "message") for path, role in _CHAT_OUTPUT),
    *_OPENAI,
)
"""`delta` in a stream, `message` in a whole reply."""

COMPLETIONS_RULES: Rules = (
    *((f"choices[].{path}", role) for path, role in _CHAT_OUTPUT if role != "tool" and path != "content"),
    *_OPENAI,
)
"""`text`, and what engines that separate reasoning put beside it."""

_REASONS: Rules = tuple(
    (path, "reason") for name in ("finish_reason", "details.finish_reason") for path in (name, f"{name}.type")
)

GENERATE_RULES: Rules = (
    ("", "choice"),
    ("token.text", "text"),
    ("token.special", "special"),
    ("token.id", "token_ids"),
    ("generated_text", "final"),
    *_REASONS,
    ("details.prefill", "prompt_token_ids"),
    ("details.tokens", "token_ids"),
    ("details.input_length", "usage_in"),
    ("details.generated_tokens", "usage_out"),
    *_ERRORS,
)
"""TGI and MindIE: a `token` in each event of a stream, `generated_text` in the last one and in a whole reply.
MindIE's last event has a token's id and no text of its own; `token.id` is a list there."""

TRITON_RULES: Rules = (
    ("", "choice"),
    ("text_output", "text"),
    *_REASONS,
    ("details.generated_tokens", "usage_out"),
    *_ERRORS,
)
"""Triton's generate extension marks no record as the last: the end of the body is the reply's end.
MindIE counts the tokens so far in each event's `details`."""
