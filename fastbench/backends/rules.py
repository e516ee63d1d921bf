"""Which JSON paths of a reply mean what; `[]` stands for every item of a list. The core compiles these."""

Rules = tuple[tuple[str, str], ...]
"""(path, role); the path "" is the whole document. text, reasoning, tool: output where it is not empty; special:
true marks the text as a token that belongs to no output; choice: one choice of the event; index, finish, token_ids
(a list, or one id): of that choice; final: the record that ends the reply, as text the whole reply's text;
prompt_token_ids; usage_in, usage_out, usage_cached; error."""

_OPENAI: Rules = (
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
    *_OPENAI,
)
"""`delta` in a stream, `message` in a whole reply."""

COMPLETIONS_RULES: Rules = (("choices[].text", "text"), *_OPENAI)

GENERATE_RULES: Rules = (
    ("", "choice"),
    ("token.text", "text"),
    ("token.special", "special"),
    ("token.id", "token_ids"),
    ("generated_text", "final"),
    ("details.prefill", "prompt_token_ids"),
    ("details.tokens", "token_ids"),
    ("details.input_length", "usage_in"),
    ("details.generated_tokens", "usage_out"),
    ("error", "error"),
)
"""TGI and MindIE: a `token` in each event of a stream, `generated_text` in the last one and in a whole reply.
MindIE's last event has a token's id and no text of its own; `token.id` is a list there."""

TRITON_RULES: Rules = (
    ("", "choice"),
    ("text_output", "text"),
    ("details.generated_tokens", "usage_out"),
    ("error", "error"),
)
"""Triton's generate extension marks no record as the last: the end of the body is the reply's end.
MindIE counts the tokens so far in each event's `details`."""
