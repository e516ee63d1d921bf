"""Keys in what a service says: an error message may repeat the key that it refuses."""

from collections.abc import Callable

from fastbench._core.ring import Batch
from fastbench.config.secrets import HIDDEN, SHORTEST
from fastbench.config.services import ServiceConfig
from fastbench.dialects import secrets_of, service_headers
from fastbench.errors import ServiceError


class ServiceRedactor:
    """Takes the keys of one service out of texts."""

    def __init__(self, service: ServiceConfig) -> None:
        carrying = list(secrets_of(service, service_headers(service)))
        # A header's last word too: the key without its scheme, such as "Bearer".
        found = {text for value in carrying for text in (value, *value.split()[-1:]) if len(text) >= SHORTEST}
        # The longest first, so that no part of one stays behind.
        # A header is sent in Latin-1, and most likely repeated in UTF-8.
        encoded = {text.encode(encoding) for text in found for encoding in ("latin-1", "utf-8")}
        self._secrets = sorted(encoded, key=len, reverse=True)

    def clean(self, text: bytes) -> bytes:
        """`text` without the keys."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN.encode())
        return self._without_cut_key(text)

    def _without_cut_key(self, text: bytes) -> bytes:
        """`text` without the beginning of a key at its end, where it was cut."""
        for secret in self._secrets:
            for size in range(len(secret) - 1, SHORTEST - 1, -1):
                if text.endswith(secret[:size]):
                    return text[:-size] + HIDDEN.encode()
        return text

    def clean_error(self, error: ServiceError) -> ServiceError:
        """An error that says the same without the keys."""
        return ServiceError(self.clean(str(error).encode()).decode())

    def on_the_way_to(self, sink: Callable[[Batch], None]) -> Callable[[Batch], None]:
        """A sink that cleans each batch's messages and texts, and hands it on."""

        def hide(batch: Batch) -> None:
            if self._secrets:
                batch.notes = [(row, kind, self.clean(text)) for row, kind, text in batch.notes]
            sink(batch)

        return hide
