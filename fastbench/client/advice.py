"""What to do about an answer that is none: by its outcome, its HTTP status, and what a second look tells."""

import ssl
from collections.abc import Mapping
from typing import Final

from fastbench.client.address import LOOK_S, SPEAKS_NONE, SPEAKS_TLS, speaks_tls
from fastbench.client.tls import NO_TLS, TlsSettings, tls_words
from fastbench.config.services import base_of, shown_url
from fastbench.dialects import Endpoint

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEY = (
    "the service wants a key: give it by api_key, as the name of a variable by --api-key-env NAME, or correct the one "
    "that it was given"
)
_BY_STATUS = {401: _KEY, 403: _KEY, **dict.fromkeys(REDIRECTS, "give the place it redirects to as url (--url)")}
_BY_OUTCOME = {
    "http_error": "check url and model",
    "malformed": "check that url names an OpenAI-compatible service",
    "truncated": "check that the service streams whole replies",
    "empty": "check the prompt and max_out_len (--output-len)",
    "timeout": "check request_timeout (--timeout), or that the service is not overloaded",
}
_IN_CLEAR = ("reset", "refused", "truncated", "malformed")


def by_status(status: int) -> str | None:
    """The way out that an HTTP status tells by itself."""
    return _BY_STATUS.get(status)


def advice_for(outcome: str, status: int, message: str = "") -> str:
    """The way out of requests that ended like this. status: 0 = there was none."""
    if "TLS: " in message and any(words in message for words in NO_TLS):
        return SPEAKS_NONE
    if "TLS: " in message and "certificate" in message:
        return "name whom to trust by ca_file (--ca-file), or verify nothing by insecure (--insecure)"
    if outcome == "malformed" and "though a stream was asked for" in message:
        return "the service does not stream: use --no-stream, or a URL that does"
    return (outcome == "http_error" and by_status(status)) or _BY_OUTCOME.get(outcome) or "check that the service runs"


def redirected(location: str | None) -> str:
    """The way out of a redirect to `location`, None where it does not say."""
    if not location:
        return _BY_STATUS[301]
    base = base_of(location)
    return f"it redirects to {shown_url(location)}" + (f": give {shown_url(base)} as url (--url)" if base else "")


async def second_look(
    endpoint: Endpoint, url: str, headers: Mapping[str, str], tls: TlsSettings | None, outcome: str, status: int
) -> str | None:
    """The way out that only another look at the service tells: where it redirects to, or that it speaks TLS.

    url: where the request went that ended like this. None = nothing more is known.
    """
    if status in REDIRECTS:
        return redirected(await _location(url, headers, tls))
    doubtful = outcome in _IN_CLEAR or status == 400
    return SPEAKS_TLS if doubtful and not endpoint.tls and await speaks_tls(endpoint) else None


async def _location(url: str, headers: Mapping[str, str], tls: TlsSettings | None) -> str | None:
    # Imported late: 0.3 s that hardly any run need pay.
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=LOOK_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=dict(headers)) as session,
            session.post(url, json={}, allow_redirects=False, ssl=tls.context if tls else True) as answer,
        ):
            return answer.headers.get("Location")
    except (TimeoutError, aiohttp.ClientError):
        return None  # only a detail of a hint; the failure itself is reported


def reason_of(error: Exception, otherwise: str) -> str:
    """Why aiohttp could not ask, in the words of the system or of TLS; aiohttp's own name an object in memory.

    otherwise: for an error without words.
    """
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if isinstance(cause, ssl.SSLError):
        detail = getattr(cause, "verify_message", None)
        return f"TLS: {tls_words(cause)}{f', {detail}' if detail else ''}"
    if isinstance(cause, OSError):
        return f"Cannot connect: {cause.strerror or cause}"
    return str(error) or otherwise
