"""Which JSON paths of a reply mean what; `[]` stands for every item of a list. The core compiles these."""

from collections.abc import Iterator

Rule = tuple[str, str] | tuple[str, str, str, str]
"""(path, role), or (path, role, when_path, when_value): one that counts only in events in which the text at `when_path`
is `when_value`. The path "" is the whole document; of several rules for one path the last one that counts holds."""
Rules = tuple[Rule, ...]
"""Those of a dialect. Roles:

text, reasoning, tool: output where it is not empty, of any shape (a string, a list of parts, an object with a text);
special: true marks the text as a token that belongs to no output; choice: one choice of the event; index, token_ids (a
list, or one id): of that choice; finish: its finish reason; reason: the word alone, which completes nothing; piece,
whole: objects with output, of which the second is read only where the first does not stand beside it; final: the record
that ends the reply, as text the whole reply's text; prompt_token_ids; usage_in, usage_out, usage_total, usage_cached,
usage_reasoning; error: where it is not empty; error_word: where it is "error" or "failed"; code and message: an error
where both stand in an event without output; detail: one where there is no choice."""


def usage_rules(path: str) -> Iterator[Rule]:
    """For a usage at `path`: the names that services give to its counts."""
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


ERRORS: Rules = (
    *((name, "error") for name in ("error", "Error", "errors", "error_code", "error_msg", "error_message")),
    *((name, "error") for name in ("errorCode", "errorMessage", "response.error")),
    *((name, "error_word") for name in ("object", "type", "status")),
    *((name, "code") for name in ("code", "statusCode", "status_code")),
    *((name, "message") for name in ("message", "msg")),
    ("detail", "detail"),
)
"""How services of all kinds say that something failed."""

CHOICES: Rules = (
    ("choices[]", "choice"),
    ("choices[].index", "index"),
    ("choices[].finish_reason", "finish"),
    ("choices[].finish_reason.type", "finish"),
    ("choices[].token_ids", "token_ids"),
    ("prompt_token_ids", "prompt_token_ids"),
    ("choices[].prompt_token_ids", "prompt_token_ids"),
    *((f"choices[].{name}", "error") for name in ("error", "error_code", "delta.error", "message.error")),
    *usage_rules("usage"),
    *usage_rules("choices[].usage"),
    *ERRORS,
)
"""What all replies made of `choices` have beside their output."""

MESSAGE: tuple[tuple[str, str], ...] = (
    *((name, "text") for name in ("content", "text", "refusal", "audio.transcript")),
    *((name, "reasoning") for name in ("reasoning", "reasoning_content", "reasoning_text", "reasoning_details")),
    *((name, "reasoning") for name in ("thinking", "thinking_content", "thinking_blocks", "thought", "thoughts")),
    *((name, "tool") for name in ("tool_calls", "function_call")),
)
"""(path, role) in a message: its output, as chat has it."""

REASONS: Rules = tuple(
    (path, "reason") for name in ("finish_reason", "details.finish_reason") for path in (name, f"{name}.type")
)
"""The finish reason where no choices are told apart."""
