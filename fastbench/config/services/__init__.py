"""The settings of a service under test: address, API, load limits."""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.config.services.build import build_service, tokenizer_file
    from fastbench.config.services.schema import (
        ADAPTERS,
        REPEATS,
        STREAM_OPTIONS,
        TAKES_TOKEN_IDS,
        ServiceConfig,
        TrafficConfig,
    )
    from fastbench.config.services.tls import tls_context
    from fastbench.config.services.url import (
        DEFAULT_PORTS,
        base_of,
        header_fault,
        page_url,
        parse_host,
        parse_url,
        reset_url,
        shown_url,
    )
else:
    __getattr__ = lazy(
        __name__,
        {
            "build": (
                "build_service",
                "tokenizer_file",
            ),
            "schema": (
                "ADAPTERS",
                "REPEATS",
                "STREAM_OPTIONS",
                "ServiceConfig",
                "TAKES_TOKEN_IDS",
                "TrafficConfig",
            ),
            "tls": ("tls_context",),
            "url": (
                "DEFAULT_PORTS",
                "base_of",
                "header_fault",
                "page_url",
                "parse_host",
                "parse_url",
                "reset_url",
                "shown_url",
            ),
        },
    )

__all__ = [
    "ADAPTERS",
    "DEFAULT_PORTS",
    "REPEATS",
    "STREAM_OPTIONS",
    "TAKES_TOKEN_IDS",
    "ServiceConfig",
    "TrafficConfig",
    "base_of",
    "build_service",
    "header_fault",
    "page_url",
    "parse_host",
    "parse_url",
    "reset_url",
    "shown_url",
    "tls_context",
    "tokenizer_file",
]
