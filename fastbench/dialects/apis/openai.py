"""What OpenAI's two APIs share: a body of constant fields, then the prompt, then the output length."""

from collections.abc import Callable
from typing import Final

from fastbench.dialects.dialect import BodyParts
from fastbench.dialects.template import Adapter, Members, Slot

SET_ELSEWHERE: Final = {"stream": "stream", "messages": "datasets", "prompt": "datasets"}
RESERVED: Final = frozenset({"model", "stream_options"})


def openai_body(prompt: str) -> Callable[[BodyParts], Members]:
    """The body of an API whose field `prompt` holds the prompt."""

    def body(parts: BodyParts) -> Members:
        # A setting of its own, so it wins over a sampling parameter of this name.
        parameters = {name: value for name, value in parts.parameters.items() if name != "model"}
        constant = {"model": Adapter(parts.model), "stream": parts.stream, **parameters, **parts.usage}
        return {**constant, Slot.ROW_FIELDS: ..., prompt: Slot.PROMPT, **parts.length}

    return body
