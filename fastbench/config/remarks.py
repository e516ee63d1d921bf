"""Settings without effect, or with less than they say; shown before the run."""

import os
from collections.abc import Iterator

from fastbench.config.run import LoadSettings, RunConfig
from fastbench.config.services.schema import ServiceConfig
from fastbench.config.services.url import parse_host, parse_url
from fastbench.errors import ConfigError
from fastbench.units import NS_PER_S

LEAST_RATE = 0.1
"""Below this rate AISBench sends all at once."""
_DEFAULTS = LoadSettings()


def without_effect(run: RunConfig, samples: int | None = None) -> tuple[str, ...]:
    """A sentence for each such setting, those of the services with their names. samples: those asked for."""
    of_models = (f"{model.abbr}: {remark}" for model in run.models for remark in _of_model(model, run))
    return (*_of_run(run, samples), *of_models)


def _of_run(run: RunConfig, samples: int | None) -> Iterator[str]:
    until = "profile" if run.profile else "pressure_time" if run.pressure else "duration" if run.duration else None
    if samples is not None and until and not any(model.use_timestamp for model in run.models):
        yield (
            f"num_prompts (--num-prompts) is {samples}, but {until} decides how many requests are sent: more prompts "
            "are made until then, or rows repeated"
        )
    if run.profile and run.pressure:
        yield "pressure (--pressure) has no effect with profile, which sets the number of clients"
    if run.duration is not None and run.profile:
        yield "duration (--duration) has no effect with profile, whose stages set the duration"
    elif run.duration is not None and run.pressure:
        yield "duration (--duration) has no effect with pressure, which lasts for pressure_time (--pressure-time)"
    if run.drain is not None and not (run.duration or run.pressure or run.profile):
        yield "drain (--drain) has no effect without duration (--duration), pressure or profile"
    if run.pressure_time != _DEFAULTS.pressure_time and not run.pressure:
        yield "pressure_time (--pressure-time) has no effect without pressure (--pressure)"
    if run.think_time and not any(dataset.multi_turn for dataset in run.datasets):
        yield "think_time (--think-time) has no effect without conversations; no data set has any"
    if run.cache_bust != _DEFAULTS.cache_bust and all(dataset.makes_prompts for dataset in run.datasets):
        yield "cache_bust (--cache-bust) has no effect: no prompts are those of a file, and made ones are new anyway"
    elif run.seed is not None and run.cache_bust == "none" and not any(one.makes_prompts for one in run.datasets):
        yield "seed (--seed) has no effect: no prompts are made, nor markers, as cache_bust (--cache-bust) is none"
    if run.trace_speed != _DEFAULTS.trace_speed and not any(model.use_timestamp for model in run.models):
        yield "trace_speed (--trace-speed) has no effect without use_timestamp (--use-timestamp)"
    if run.on_full == "drop" and (run.pressure or not any(_has_rate(model, run) for model in run.models)):
        yield "on_full (--on-full) has no effect without a rate: a closed loop never has more to send than it may"


def _of_model(model: ServiceConfig, run: RunConfig) -> Iterator[str]:
    traffic, rate = model.traffic_cfg, float(model.request_rate)
    if model.metrics_url and run.service_metrics is None and not run.spec_decode:
        yield "metrics_url (--metrics-url) has no effect without service_metrics (--service-metrics) or spec_decode"
    if model.use_timestamp and run.profile:
        yield "use_timestamp (--use-timestamp) has no effect with profile"
    elif model.use_timestamp:
        yield from _replaced_by_times(model, run)
    elif run.pressure and not run.profile:
        yield from _late_clients(model, run)
    if traffic.ramp_up_strategy and traffic.ramp is None:
        yield (
            "traffic_cfg has no ramp: ramp_up_start_rps must be above 0, and ramp_up_end_rps above 0.1 and not below it"
        )
    by_times = model.use_timestamp and not run.profile
    if traffic.burstiness and not by_times and not _has_rate(model, run):
        yield "traffic_cfg.burstiness (--burstiness) has no effect without request_rate (--rate) or a ramp"
    if 0 < rate < LEAST_RATE and not (run.profile or model.use_timestamp or traffic.ramp):
        yield (
            f"request_rate is {rate:g}, so a request goes out each {1 / rate:g} s, where AISBench would send all "
            "at once; set it to 0 for that"
        )


def _replaced_by_times(model: ServiceConfig, run: RunConfig) -> Iterator[str]:
    traffic = model.traffic_cfg
    set_too = {
        "pressure (--pressure)": run.pressure,
        "request_rate (--rate)": model.request_rate > 0,
        "traffic_cfg.burstiness (--burstiness)": traffic.burstiness > 0,
        "the ramp of traffic_cfg (--ramp)": traffic.ramp is not None,
    }
    for name, is_set in set_too.items():
        if is_set:
            yield f"{name} has no effect with use_timestamp: each request goes out at its own time"


def _late_clients(model: ServiceConfig, run: RunConfig) -> Iterator[str]:
    last, limit = _last_client(model), run.pressure_time / NS_PER_S
    if last >= limit:
        yield (
            f"pressure_time (--pressure-time) is {limit:g} s, but at its rate the last of {model.batch_size} clients "
            f"would begin after {last:.4g} s: not all of them will send; set a longer time, or raise "
            "request_rate (--rate)"
        )


def _last_client(model: ServiceConfig) -> float:
    """When the last client of a pressure test begins, seconds since the first one."""
    after, ramp = model.batch_size - 1, model.traffic_cfg.ramp
    if ramp is None:
        return after / model.request_rate if model.request_rate else 0.0
    start, end = ramp
    shares = (number / after for number in range(1, after + 1))
    if model.traffic_cfg.ramp_up_strategy == "linear":
        return sum(1 / (start + (end - start) * share) for share in shares)
    return float(sum((start / end) ** share for share in shares) / start)


def _has_rate(model: ServiceConfig, run: RunConfig) -> bool:
    """Whether something goes out at a rate: requests, or the clients of a pressure test."""
    if run.profile:
        return run.profile[0].rate is not None
    return not model.use_timestamp and (model.request_rate > 0 or model.traffic_cfg.ramp is not None)


def past_proxies(run: RunConfig) -> Iterator[str]:
    """A sentence for each proxy that the environment names for one of the services. It is not shown: it may hold a
    password."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return
    variables = dict.fromkeys(name for model in run.models if (name := _variable(model)) is not None)
    for name in variables:
        yield (
            f"{name} is set, but fastbench uses no proxy: requests go straight to the service; "
            "add its host to NO_PROXY to silence this remark"
        )


def _variable(model: ServiceConfig) -> str | None:
    if model.mock is not None:
        return None
    try:
        url = parse_url(model.url, tls=model.enable_ssl) if model.url else None
        host = parse_host(model.host_ip) if url is None else url.host
    except ConfigError:
        return None  # the check of the field has reported it
    # Imported late: it brings much that a run without proxies need not wait for.
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    scheme = url.scheme if url is not None else "https" if model.enable_ssl else "http"
    # By their small names; "all" stands for every scheme.
    proxies = getproxies_environment()
    kind = next((kind for kind in (scheme, "all") if proxies.get(kind)), None)
    return None if kind is None or proxy_bypass_environment(host) else f"{kind.upper()}_PROXY"
