"""One item of a data set."""

from typing import Any

from msgspec import Struct

Message = dict[str, Any]
Prompt = str | list[Message] | list[int]
"""Text, chat messages, or token ids."""


class Sample(Struct, frozen=True):
    """What one request asks. Its place in the data set is `index`, from 0."""

    index: int
    prompt: Prompt
    input_len: int | None = None
    """Length of the prompt as planned, tokens; None = not known before the service counts."""
    output_len: int | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
