"""Names in the rows of data sets: fields that are parameters of a request, and the speakers of a conversation.

The fields are those of the OpenAI API and of the engines that speak it. Names that are as likely a column of plain data
(`priority`, `prediction`, `metadata`, `user`) are not among them.
"""

from typing import Final

LENGTHS: Final = ("max_completion_tokens", "max_tokens", "max_new_tokens", "max_out_len", "output_len")
"""The names of an output length, the first that a row has being used."""

_ANY = """
    temperature top_p top_k min_p top_a typical_p presence_penalty frequency_penalty repetition_penalty
    repeat_penalty length_penalty no_repeat_ngram_size do_sample seed stop stop_token_ids include_stop_str_in_output
    ignore_eos min_tokens min_new_tokens logit_bias bad_words allowed_token_ids skip_special_tokens
"""
_OPENAI = """
    response_format structured_outputs guided_json guided_regex guided_choice guided_grammar guided_whitespace_pattern
    guided_decoding_backend logprobs top_logprobs prompt_logprobs suffix add_special_tokens truncate_prompt_tokens
    service_tier vllm_xargs kv_transfer_params cache_prompt
"""
_CHAT = """
    tools tool_choice parallel_tool_calls functions function_call reasoning_effort include_reasoning enable_thinking
    thinking_budget verbosity chat_template chat_template_kwargs add_generation_prompt continue_final_message
    web_search_options
"""
FOR_CHAT: Final = frozenset(_CHAT.split())
"""Those that chat alone has a place for."""
FOR_OPENAI: Final = frozenset(_OPENAI.split())
"""Those that OpenAI's APIs alone have a place for, chat and completions."""
PARAMETERS: Final = FOR_CHAT | FOR_OPENAI | frozenset(_ANY.split())
EXTRA: Final = "extra_body"
"""Holds further parameters, which stand beside the others in the body."""
OF_THE_RUN: Final = frozenset({"model", "stream", "stream_options", "n", "best_of", "echo"})
"""Those that the run alone decides: they say whom it asks, or how it measures."""

_SPEAKERS = {
    "user": ("human", "user", "prompter", "person"),
    "assistant": (
        *("gpt", "assistant", "chatgpt", "bing", "bard", "model", "bot", "chatbot", "ai", "llm", "claude", "gemini"),
        *("function_call", "tool_call"),
    ),
    "system": ("system", "developer"),
    "tool": ("tool", "function", "observation", "function_response", "tool_response", "ipython"),
}
ROLES: Final = {name: role for role, names in _SPEAKERS.items() for name in names}
"""A name in small letters: the protocol's role."""


def role_of(name: object) -> str | None:
    """The protocol's role of a speaker; None = not known."""
    return ROLES.get(name.strip().lower()) if isinstance(name, str) else None
