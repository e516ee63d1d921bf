"""What a prompt can be."""

from typing import Any

Message = dict[str, Any]
"""One message of a chat, with its role and content."""
Prompt = str | list[Message] | list[int]
"""Text, chat messages, or token ids."""


def prompt_text(prompt: Prompt) -> str:
    """All text of a prompt, message after message; of token ids nothing."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(str(part.get("content", "")) for part in prompt if isinstance(part, dict))
