"""The names that data sets give to those who speak in a conversation."""

from typing import Final

_NAMES = {
    "user": ("human", "user", "prompter", "person"),
    "assistant": (
        *("gpt", "assistant", "chatgpt", "bing", "bard", "model", "bot", "chatbot", "ai", "llm", "claude", "gemini"),
        *("function_call", "tool_call"),
    ),
    "system": ("system", "developer"),
    "tool": ("tool", "function", "observation", "function_response", "tool_response", "ipython"),
}
ROLES: Final = {name: role for role, names in _NAMES.items() for name in names}
"""A name in small letters: the protocol's role."""


def role_of(name: object) -> str | None:
    """The protocol's role of a speaker; None = not known."""
    return ROLES.get(name.strip().lower()) if isinstance(name, str) else None
