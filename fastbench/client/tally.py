"""Outcomes of requests, counted while the run goes on, with the first message of each, keys taken out."""

from collections.abc import Callable

import numpy as np

from fastbench._core.call import NOTE_FAILURE
from fastbench._core.ring import OUTCOMES, SOURCES, Batch
from fastbench.config.services import ServiceConfig
from fastbench.dialects import secrets_of, service_headers
from fastbench.errors import ServiceError
from fastbench.secrets import HIDDEN, SHORTEST

_OK = OUTCOMES.index("ok")
# By a look-up: this goes on while a run is measured, once for each few requests.
_UNTOLD = np.array([name not in ("token_ids", "usage") for name in SOURCES])


class OutcomeTally:
    """Takes batches; keeps whether any request succeeded and why the last one failed."""

    def __init__(self) -> None:
        self.requests = 0
        self.ok = 0
        self.untold = 0
        """Replies, of those that are ok, in which the service did not say how many tokens it sent."""
        self.outcome = ""
        """Of the last request that failed."""
        self.status = 0
        self.message = b""
        """The service's own words, or ours where it had none."""

    @property
    def told_tokens(self) -> bool:
        """Whether there were replies, and the service said of each how many tokens it sent."""
        return self.ok > 0 and self.untold == 0

    def on_the_way_to(self, sink: Callable[[Batch], None]) -> Callable[[Batch], None]:
        """A sink that looks at each batch and hands it on."""

        def look(batch: Batch) -> None:
            self.add(batch)
            sink(batch)

        return look

    def add(self, batch: Batch) -> None:
        """Looks at one batch."""
        self.requests += len(batch.rows)
        ok = batch.rows["outcome"] == _OK
        self.ok += int(np.count_nonzero(ok))
        self.untold += int(np.count_nonzero(ok & _UNTOLD[batch.rows["output_source"]]))
        for row, kind, message in batch.notes:
            if kind == NOTE_FAILURE:
                self.outcome = OUTCOMES[batch.rows["outcome"][row]]
                self.status = int(batch.rows["status"][row])
                self.message = message


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
