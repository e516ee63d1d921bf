"""Proxies of the environment, which no request goes through: the service is to be measured, not what is before it."""

import os
from collections.abc import Iterator

from fastbench.config.plan import RunConfig
from fastbench.config.service_schema import ServiceConfig
from fastbench.config.url import parse_host, parse_url
from fastbench.errors import ConfigError


def past_proxies(run: RunConfig) -> Iterator[str]:
    """A sentence for each proxy that the environment names for one of the services. It is not shown: it may hold a
    password."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return
    variables = dict.fromkeys(name for model in run.models if (name := _variable(model)) is not None)
    for name in variables:
        yield (
            f"{name} is set, but fastbench uses no proxy: requests go straight to the service; "
            "name its host in NO_PROXY to be told no more"
        )


def _variable(model: ServiceConfig) -> str | None:
    if model.mock is not None:
        return None
    try:
        url = parse_url(model.url, tls=model.enable_ssl) if model.url else None
        host = parse_host(model.host_ip) if url is None else url.host
    except ConfigError:
        return None  # the check of the field has told
    # Imported late: it brings much that a run without proxies need not wait for.
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    scheme = url.scheme if url is not None else "https" if model.enable_ssl else "http"
    # By their small names; "all" stands for every scheme.
    proxies = getproxies_environment()
    kind = next((kind for kind in (scheme, "all") if proxies.get(kind)), None)
    return None if kind is None or proxy_bypass_environment(host) else f"{kind.upper()}_PROXY"
