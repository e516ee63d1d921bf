"""How the requests of a service ask for their output length."""

from typing import NamedTuple

from fastbench.config.service_schema import ServiceConfig

NEWER = "max_completion_tokens"
"""The chat protocol's newer name, which some models take alone."""
_OPENAI = {"openai_chat": "max_tokens", "openai_completions": "max_tokens"}
_GENERATE = "max_new_tokens"


class OutputLength(NamedTuple):
    """The field that holds the length, and which one it is."""

    field: str | None
    """None = no length is asked for."""
    usual: int
    """Where the sample does not say, tokens."""
    fixed: int | None
    """Of every request, whatever its sample says, tokens; None = the sample's."""
    names: frozenset[str]
    """Sampling parameters that are lengths, so that they are not sent as such."""

    def of(self, asked: int | None) -> int | None:
        """The length of a request whose sample asks for `asked` tokens; None = none goes out."""
        if self.field is None:
            return None
        return self.fixed or asked or self.usual


def output_length(service: ServiceConfig) -> OutputLength:
    """From `length_field`, else from the parameters: a given `max_completion_tokens` decides in chat, and a length that
    is None leaves it out."""
    parameters = service.parameters
    native = _OPENAI.get(service.type, _GENERATE)
    field = service.length_field or native
    newer = service.type == "openai_chat" and service.length_field in ("", NEWER)
    given = parameters.get(NEWER) if newer else None
    if given is not None:
        field = NEWER
    asks = field == NEWER or parameters.get(field, 0) is not None
    names = {native, field, NEWER} if newer else {native, field}
    return OutputLength(field if asks else None, service.max_out_len, given, frozenset(names))
