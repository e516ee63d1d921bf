"""Outcomes of requests, counted while the run goes on, with the first message of each, keys taken out."""

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from fastbench._core.call import NOTE_FAILURE
from fastbench._core.ring import OUTCOMES, SOURCES, Batch
from fastbench.config.services import ServiceConfig
from fastbench.dialects import secrets_of, service_headers
from fastbench.errors import ServiceError
from fastbench.secrets import HIDDEN, SHORTEST

_OK = OUTCOMES.index("ok")
# By a look-up: this runs during the measurement, once for a few requests.
_UNTOLD = np.array([name not in ("token_ids", "usage") for name in SOURCES])


class OutcomeTally:
    """Takes batches; keeps whether any request succeeded and why the last one failed."""

    def __init__(self) -> None:
        self.requests = 0
        self.ok = 0
        self.untold = 0
        """Successful replies without a token count from the service."""
        self.outcome = ""
        """Of the last request that failed."""
        self.status = 0
        self.message = b""
        """The service's message, or ours if it had none."""

    @property
    def reported_tokens(self) -> bool:
        """Whether there were replies, each with a token count from the service."""
        return self.ok > 0 and self.untold == 0

    def tap(self, sink: Callable[[Batch], None]) -> Callable[[Batch], None]:
        """A sink that counts each batch and passes it on to `sink`."""

        def look(batch: Batch) -> None:
            self.add(batch)
            sink(batch)

        return look

    def add(self, batch: Batch) -> None:
        """Counts one batch."""
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
        self._secrets = _forms(secrets_of(service, service_headers(service)))

    def clean(self, text: bytes, of_row: Collection[str] = ()) -> bytes:
        """`text` without the keys. of_row: further ones, of the request that it is about."""
        secrets = [*_forms(of_row), *self._secrets] if of_row else self._secrets
        for secret in secrets:
            text = text.replace(secret, HIDDEN.encode())
        return _without_cut_key(text, secrets)

    def clean_error(self, error: ServiceError) -> ServiceError:
        """The error without the keys."""
        return ServiceError(self.clean(str(error).encode()).decode())

    def tap(
        self, sink: Callable[[Batch], None], of_rows: Mapping[int, Collection[str]] = {}
    ) -> Callable[[Batch], None]:
        """A sink that cleans each batch's messages and texts, and passes it on to `sink`. of_rows: further keys, by the
        samples' indices."""

        def hide(batch: Batch) -> None:
            if of_rows:
                samples = batch.rows["sample"]
                batch.notes = [
                    (row, kind, self.clean(text, of_rows.get(int(samples[row]), ()))) for row, kind, text in batch.notes
                ]
            elif self._secrets:
                batch.notes = [(row, kind, self.clean(text)) for row, kind, text in batch.notes]
            sink(batch)

        return hide


def _forms(values: Iterable[str]) -> list[bytes]:
    """Keys as they may stand in a text, the longest first, so that no part of one stays behind."""
    # The last word of a header as well: the key without its scheme, such as "Bearer".
    found = {text for value in values for text in (value, *value.split()[-1:]) if len(text) >= SHORTEST}
    # A header is sent in Latin-1, and most likely repeated in UTF-8.
    encoded = {text.encode(encoding) for text in found for encoding in ("latin-1", "utf-8")}
    return sorted(encoded, key=len, reverse=True)


def _without_cut_key(text: bytes, secrets: Iterable[bytes]) -> bytes:
    """`text` without the beginning of a key at its end, where it was cut."""
    for secret in secrets:
        for size in range(len(secret) - 1, SHORTEST - 1, -1):
            if text.endswith(secret[:size]):
                return text[:-size] + HIDDEN.encode()
    return text
