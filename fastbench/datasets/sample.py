"""One item of a data set."""

from typing import Any

from msgspec import Struct

Message = dict[str, Any]
Prompt = str | list[Message] | list[int]
"""Text, chat messages, or token ids."""


class Turn(Struct, frozen=True):
    """One turn of a conversation: what the user says, and what is taken for the answer in the turns after it."""

    text: str
    answer: str | None = None
    """What goes into the history of the later turns; None = the service's own reply."""
    output_len: int | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    role: str = "user"
    """Who says `text`: the user, or a tool."""
    before: tuple[Message, ...] = ()
    """Messages that stand before `text`, after the last answer."""

    @property
    def messages(self) -> list[Message]:
        """What the turn adds to the history before it is sent."""
        return [*self.before, {"role": self.role, "content": self.text}]


class Sample(Struct, frozen=True):
    """What one request asks, or a conversation's requests. Its place in the data set is `index`, from 0."""

    index: int
    prompt: Prompt
    input_len: int | None = None
    """Length of the prompt as planned, tokens; None = not known before the service counts."""
    output_len: int | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    timestamp_ns: int | None = None
    """When the data set says that it goes out, ns since the schedule's start; None = it does not say."""
    turns: tuple[Turn, ...] = ()
    """A conversation of several requests, one after the other's reply; `prompt` then holds the messages before the
    first turn. () = a single request."""
    fields: dict[str, Any] | None = None
    """Parameters of the request, which go over the service's; None = it has none."""


def prompt_text(prompt: Prompt) -> str:
    """All text of a prompt, message after message; of token ids nothing."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(str(part.get("content", "")) for part in prompt if isinstance(part, dict))
