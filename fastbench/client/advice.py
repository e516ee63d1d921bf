"""Remedies for failed requests, by outcome, HTTP status and message: words alone, for runs and for reports."""

from typing import Final

SPEAKS_TLS: Final = "the port speaks TLS: write https:// in url (--url)"
SPEAKS_NONE: Final = "the port does not speak TLS: write http:// in url (--url)"
NO_TLS = ("wrong version number", "http request", "record layer failure", "packet length too long")
"""OpenSSL's reasons, by `tls_words`, for an unencrypted answer."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEY = (
    "the service requires a key: set api_key, name an environment variable with --api-key-env NAME, or correct the key"
)
_BY_STATUS = {401: _KEY, 403: _KEY, **dict.fromkeys(REDIRECTS, "set url (--url) to the address it redirects to")}
_BY_OUTCOME = {
    "http_error": "check url and model",
    "malformed": "check that url names an OpenAI-compatible service",
    "truncated": "check that the service streams whole replies",
    "empty": "check the prompt and max_out_len (--output-len)",
    "timeout": "check request_timeout (--timeout), or that the service is not overloaded",
}


def by_status(status: int) -> str | None:
    """The remedy for an HTTP status."""
    return _BY_STATUS.get(status)


def advice_for(outcome: str, status: int, message: str = "") -> str:
    """The remedy for requests that ended like this. status: 0 = no answer."""
    if "TLS: " in message and any(words in message for words in NO_TLS):
        return SPEAKS_NONE
    if "TLS: " in message and "certificate" in message:
        return "set ca_file (--ca-file) to the certificate to trust, or skip verification with insecure (--insecure)"
    if outcome == "malformed" and "though a stream was asked for" in message:
        return "the service does not stream: use --no-stream, or a URL that does"
    return (outcome == "http_error" and by_status(status)) or _BY_OUTCOME.get(outcome) or "check that the service runs"


def redirected(location: str | None) -> str:
    """The remedy for a redirect to `location`; None = the reply does not say where to."""
    if not location:
        return _BY_STATUS[301]
    # Imported late: a report without redirects needs no service's settings.
    from fastbench.config.services import base_of, shown_url

    base = base_of(location)
    return f"it redirects to {shown_url(location)}" + (f": give {shown_url(base)} as url (--url)" if base else "")
