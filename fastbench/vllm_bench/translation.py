"""The flags of a `vllm bench serve` command → the words of a `fastbench perf` command that sends the same load."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastbench.errors import UsageError
from fastbench.vllm_bench.flag import Flag
from fastbench.vllm_bench.flags import BACKENDS, FLAGS, METRICS, OTHER_BACKENDS, OTHER_DATASETS, SAMPLING
from fastbench.vllm_bench.hub import find_tokenizer
from fastbench.vllm_bench.prompts import Prompts, Source, Words, prompts_of
from fastbench.vllm_bench.rows import saved_text

PLACE = Path("outputs", "vllm_bench")
"""Where the prompts lie that are made of other files."""
PATHS = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}
MOST = 100_000
"""The most requests in flight that fastbench takes."""
_LENGTHS = ("random", "sharegpt", "custom", "spec_bench", "prefix_repetition")
"""Data sets that --output-len is for."""
_MADE = ("random",)
"""Data sets of which vLLM always asks for the full length."""
_COLUMNS = 6
"""Of a report, beside average and median."""
_SLOS = ("ttft", "tpot", "e2el")


@dataclass(frozen=True)
class Translated:
    """words: of `fastbench perf`. notes: what is not the same, a sentence each. values: of all flags. url: of the
    service. percents, metrics: of the result. goodput: limits by metric, ms."""

    words: Words
    notes: Words
    values: Mapping[str, Any]
    url: str
    percents: tuple[float, ...]
    metrics: tuple[str, ...]
    goodput: Mapping[str, float]


def translate(given: Mapping[str, Any], environment: Mapping[str, str] = {}, place: Path = PLACE) -> Translated:
    """The command that flags mean. given: values by the flags' keys, without the others. place: a directory for the
    prompts that are made of other files. Raises UsageError for what cannot be honoured, a sentence with the way out."""
    values = {key: given.get(key, flag.default) for key, flag in FLAGS.items()}
    if values["endpoint_type"]:
        values["backend"] = values["endpoint_type"]
    _check(values, given)
    _spread_lengths(values)
    api = BACKENDS[values["backend"]]
    url = _url(values, api)
    tokenizer, notes = _tokenizer(values, environment)
    prompts = prompts_of(Source(values, tokenizer, place))
    goodput = _goodput(values)
    metadata(values)
    words = (
        *("--url", url, "--api", api),
        *_model(values),
        *(("--tokenizer", str(tokenizer)) if tokenizer else ()),
        *prompts.words,
        *_load(values, prompts),
        *_requests(values, api, prompts, environment, place),
        *_results(values, given, goodput),
    )
    metrics, unknown = _metrics(values)
    return Translated(
        words,
        (*_ignored(given), *notes, *prompts.notes, *unknown, *_of_limit(values, prompts)),
        values,
        url,
        _percents(values),
        metrics,
        goodput,
    )


def _check(values: Mapping[str, Any], given: Collection[str]) -> None:
    """Raises UsageError for flags that cannot be honoured."""
    backend, dataset = values["backend"], values["dataset_name"]
    if backend in OTHER_BACKENDS:
        raise UsageError(f"--backend {backend} cannot be honoured: {OTHER_BACKENDS[backend]}")
    if dataset in OTHER_DATASETS:
        raise UsageError(f"--dataset-name {dataset} cannot be honoured: {OTHER_DATASETS[dataset]}")
    for key in given:
        flag = FLAGS[key]
        if flag.refused and values[key] != flag.default:
            raise UsageError(f"--{flag.name} {flag.refused}")
    if values["self_timed"] is not None and dataset != "timed_trace":
        raise UsageError("--self-timed is for --dataset-name timed_trace, whose requests have times")
    if values["tokenizer_mode"] not in ("auto", "hf", "slow"):
        raise UsageError(
            f"--tokenizer-mode {values['tokenizer_mode']} cannot be honoured: fastbench reads tokenizer.json alone; "
            "give a --tokenizer that has one"
        )
    limit = values["max_concurrency"]
    if limit is not None and not 0 < limit <= MOST:
        raise UsageError(f"--max-concurrency {limit}: give a whole number from 1 to {MOST:,}")
    if not values["burstiness"] > 0:
        raise UsageError(f"--burstiness {values['burstiness']:g} must be above 0")
    if not values["request_rate"] > 0:
        raise UsageError(f"--request-rate {values['request_rate']:g} must be above 0, or inf")
    _check_ramp(values)


def _check_ramp(values: Mapping[str, Any]) -> None:
    start, end = values["ramp_up_start_rps"], values["ramp_up_end_rps"]
    if values["ramp_up_strategy"] is None:
        return
    if values["request_rate"] != math.inf:
        raise UsageError("--ramp-up-strategy and --request-rate both say the rate; give one of them")
    if start is None or end is None:
        raise UsageError("--ramp-up-strategy needs --ramp-up-start-rps and --ramp-up-end-rps")
    if not 0 < start <= end:
        raise UsageError(
            f"--ramp-up-start-rps {start} and --ramp-up-end-rps {end}: give rates above 0, the second not below the "
            "first"
        )


def _spread_lengths(values: dict[str, Any]) -> None:
    """`--input-len` and `--output-len` go over those of the data sets."""
    if values["input_len"] is not None:
        values["random_input_len"] = values["input_len"]
    if values["output_len"] is not None:
        values |= {f"{name}_output_len": values["output_len"] for name in _LENGTHS}


def _url(values: Mapping[str, Any], api: str) -> str:
    """The base URL: of the whole one what stands before the API's own path."""
    host = values["host"]
    base = values["base_url"] or f"http://{f'[{host}]' if ':' in host else host}:{values['port']}"
    whole, path = f"{base}{values['endpoint']}", PATHS[api]
    other = next(name for name in PATHS if name != api)
    if not whole.endswith(path):
        hint = (
            f", or --backend {'openai-chat' if other == 'chat' else 'openai'}" if whole.endswith(PATHS[other]) else ""
        )
        raise UsageError(
            f"--endpoint {values['endpoint']} is not that of --backend {values['backend']}: give --endpoint {path}"
            f"{hint}"
        )
    return whole.removesuffix(path)


def _model(values: Mapping[str, Any]) -> Words:
    # As vLLM: without --model the name of the service's first one is sent.
    name = values["model"] and (values["served_model_name"] or values["model"])
    return ("--model", name) if name else ()


def _tokenizer(values: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Path | None, Words]:
    """Where it is, None = there is none, and what the user is told of that."""
    name = values["tokenizer"] or values["model"]
    if not name or values["skip_tokenizer_init"]:
        return None, ()
    found = find_tokenizer(name, environment)
    if found is None and values["tokenizer"]:
        raise UsageError(
            f"--tokenizer {name}: there is no tokenizer.json, here or in Hugging Face's cache, and fastbench downloads "
            "none: give the directory that has it"
        )
    if found is None and values["dataset_name"] in ("random", "prefix_repetition"):
        note = "prompt lengths are near those asked for, not exact; the service's own counts are reported"
        return None, (f"the tokenizer of {name} is not on this machine: {note}; give --tokenizer DIR for exact ones",)
    return found, ()


def _load(values: Mapping[str, Any], prompts: Prompts) -> Iterator[str]:
    """When requests go out, and how many may be in flight: without a limit as many as there are."""
    rate, ramp = values["request_rate"], values["ramp_up_strategy"]
    if ramp is not None:
        yield from ("--ramp", f"{ramp}:{values['ramp_up_start_rps']}:{values['ramp_up_end_rps']}")
    elif rate != math.inf and not prompts.timed:
        yield from ("--rate", _number(rate))
    elif prompts.has_times:
        yield from ("--load", "concurrency")
    if (ramp is not None or rate != math.inf) and not prompts.timed:
        if values["burstiness"] != math.inf:
            yield from ("--burstiness", _number(values["burstiness"]))
        yield from ("--arrival-seed", str(values["seed"]))
    yield from ("--concurrency", str(values["max_concurrency"] or min(prompts.count, MOST)))


def _of_limit(values: Mapping[str, Any], prompts: Prompts) -> Iterator[str]:
    if values["max_concurrency"] is None and prompts.count > MOST:
        yield f"at most {MOST:,} of the {prompts.count:,} requests are in flight at once"


def _requests(
    values: Mapping[str, Any], api: str, prompts: Prompts, environment: Mapping[str, str], place: Path
) -> Iterator[str]:
    """What stands in requests, and how they are sent."""
    full = values["ignore_eos"] or prompts.full
    yield "--ignore-eos" if full else "--no-ignore-eos"
    fields: dict[str, Any] = {"repetition_penalty": 1.0} if api == "completions" else {}
    if api == "chat":
        yield from ("--length-field", "max_completion_tokens")
    elif values["logprobs"] is not None:
        fields["logprobs"] = values["logprobs"]
    fields |= {name: values[name] for name in SAMPLING if values[name] is not None}
    fields |= values["extra_body"] or {}
    if values["lora_modules"]:
        fields["lora_data_map_file"] = _adapters(values, prompts.count, place)
    for name, value in fields.items():
        yield from ("--param", f"{name}={value if name == 'lora_data_map_file' else json.dumps(value)}")
    headers = [_pair(item, "--header") for item in values["header"] or ()]
    for name, text in headers:
        yield from ("--header", f"{name}: {text}")
    # vLLM's variable; a header goes over it.
    if environment.get("OPENAI_API_KEY") and not any(name.lower() == "authorization" for name, _ in headers):
        yield from ("--api-key-env", "OPENAI_API_KEY")
    if values["insecure"]:
        yield "--insecure"
    # As vLLM: a request that fails is not sent again, and may take six hours.
    yield from ("--num-warmups", str(values["num_warmups"]), "--retry", "0", "--timeout", "6h")


def _adapters(values: Mapping[str, Any], count: int, place: Path) -> str:
    """A file of which request asks for which adapter."""
    names = values["lora_modules"]
    drawn = random.Random(values["seed"])
    in_turn = values["lora_assignment"] == "round-robin"
    dealt = {str(at): names[at % len(names)] if in_turn else drawn.choice(names) for at in range(count)}
    return str(saved_text(json.dumps(dealt), "adapters", "json", place))


def _results(values: Mapping[str, Any], given: Collection[str], goodput: Mapping[str, float]) -> Iterator[str]:
    if goodput:
        yield from ("--slo", ", ".join(f"{name}<{_number(limit)}ms" for name, limit in goodput.items()))
    if "metric_percentiles" in given:
        shown = [f"P{percent:g}" for percent in _percents(values) if percent not in (0, 50, 100)]
        yield from ("--stats", ",".join(("Average", "Median", *shown[:_COLUMNS])))
    if values["save_detailed"]:
        yield "--save-text"
    if values["disable_tqdm"]:
        yield "--quiet"


def _percents(values: Mapping[str, Any]) -> tuple[float, ...]:
    text = values["metric_percentiles"]
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--metric-percentiles {text} must be numbers with commas between, such as 50,90,99"
        ) from error
    if not all(0 <= percent <= 100 for percent in found):
        raise UsageError(f"--metric-percentiles {text} must be from 0 to 100")
    return found


def _metrics(values: Mapping[str, Any]) -> tuple[Words, Words]:
    """Those that are asked for, and what is told of names that are none."""
    asked = (values["percentile_metrics"] or "ttft,tpot,itl").split(",")
    unknown = [name for name in asked if name not in METRICS]
    note = f"--percentile-metrics: there is no {', '.join(unknown)}; known are {', '.join(METRICS)}"
    return tuple(name for name in METRICS if name in asked), (note,) if unknown else ()


def _goodput(values: Mapping[str, Any]) -> dict[str, float]:
    limits: dict[str, float] = {}
    for item in values["goodput"] or ():
        name, colon, text = item.partition(":")
        try:
            limits[name] = float(text)
        except ValueError:
            colon = ""
        if not colon or name not in _SLOS or not 0 < limits[name] < math.inf:
            raise UsageError(f"--goodput {item}: give KEY:MS, with KEY one of {', '.join(_SLOS)}, such as ttft:500")
    return limits


def metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """The further fields of the result. Raises UsageError."""
    return dict(_pair(item, "--metadata") for item in values["metadata"] or ())


def _pair(item: str, flag: str) -> tuple[str, str]:
    name, equals, text = item.partition("=")
    if not equals or not name.strip():
        # Not shown: it may be a key.
        raise UsageError(f"{flag} takes KEY=VALUE, and one of those given is not of this form")
    return name.strip(), text.strip()


def _ignored(given: Collection[str]) -> Iterator[str]:
    for flag in _given(given):
        if flag.ignored:
            yield f"--{flag.name}: {flag.ignored}"


def _given(given: Collection[str]) -> Iterator[Flag]:
    return (flag for key, flag in FLAGS.items() if key in given)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)
