"""Which JSON paths of a reply mean what; `[]` stands for every item of a list. The core compiles these."""

Rules = tuple[tuple[str, str], ...]
"""(path, role). text, reasoning, tool: output where it is not empty; choice: one choice of the event;
index, finish, token_ids: of that choice; prompt_token_ids; usage_in, usage_out, usage_cached; error."""

_COMMON: Rules = (
    ("choices[]", "choice"),
    ("choices[].index", "index"),
    ("choices[].finish_reason", "finish"),
    ("choices[].token_ids", "token_ids"),
    ("prompt_token_ids", "prompt_token_ids"),
    ("choices[].prompt_token_ids", "prompt_token_ids"),
    ("usage.prompt_tokens", "usage_in"),
    ("usage.completion_tokens", "usage_out"),
    ("usage.prompt_tokens_details.cached_tokens", "usage_cached"),
    ("error", "error"),
)

_CHAT_OUTPUT: Rules = (
    ("content", "text"),
    ("refusal", "text"),
    ("reasoning", "reasoning"),
    ("reasoning_content", "reasoning"),
    ("tool_calls[].function.name", "tool"),
    ("tool_calls[].function.arguments", "tool"),
)

CHAT_RULES: Rules = (
    *((f"choices[].{part}.{path}", role) for part in ("delta", "message") for path, role in _CHAT_OUTPUT),
    *_COMMON,
)
"""`delta` in a stream, `message` in a whole reply."""

COMPLETIONS_RULES: Rules = (("choices[].text", "text"), *_COMMON)
