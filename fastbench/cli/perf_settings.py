"""The options of `fastbench perf` → the run, checked by the very same code as a config file."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastbench.cli.perf_overrides import apply
from fastbench.cli.perf_sources import Options, Settings, read_settings
from fastbench.config.build import build_run
from fastbench.config.effects import without_effect
from fastbench.config.plan import RunConfig
from fastbench.config.proxies import past_proxies
from fastbench.config.service import type_name
from fastbench.errors import UsageError
from fastbench.mock.options import make_options


class Chosen(NamedTuple):
    """The run that the options describe, and what the user should know of how it was found."""

    run: RunConfig
    remarks: tuple[str, ...]


def given_options(parameters: Mapping[str, Any]) -> Options:
    """What was given, of all the parameters that could have been."""
    return {name: value for name, value in parameters.items() if value is not None and value != ()}


def run_of_options(options: Options) -> Chosen:
    """The run of a config file, of named tasks or of options alone, with the options over it. Raises UsageError."""
    settings = read_settings(options)
    apply(settings, options)
    run = build_run(settings.raw, settings.source, file=settings.file, labels=settings.labels)
    _check_mocks(run, settings)
    if options.get("merge_ds"):
        _check_merging(run, settings)
    samples = run.num_prompts or options.get("num_prompts")
    return Chosen(run, (*settings.remarks, *without_effect(run, samples), *past_proxies(run)))


def _check_mocks(run: RunConfig, settings: Settings) -> None:
    """The config's own checks know nothing of the simulated service."""
    for index, service in enumerate(run.models):
        path = f"models[{index}].mock"
        make_options(service.mock or {}, settings.labels.get(path, f"{settings.source}: {path}"))


def _check_merging(run: RunConfig, settings: Settings) -> None:
    """As in the original, those of one class would be merged; those of different classes are left alone."""
    kinds = [type_name(fields.get("type")) or "synthetic" for _, fields in settings.items("datasets")]
    kind, times = Counter(kinds).most_common(1)[0]
    if times > 1:
        names = ", ".join(dataset.abbr for dataset, its in zip(run.datasets, kinds, strict=True) if its == kind)
        raise UsageError(
            f"--merge-ds would make one task of {names}, and fastbench reports each by itself; "
            "leave it out, or put their rows into one file for --custom-dataset-path"
        )
