"""`fastbench vllm-bench serve`: its flags, as click has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click
from click.core import ParameterSource

from fastbench.cli.perf.parsing import Sectioned, spread
from fastbench.vllm_bench import FLAGS, GROUPS, Flag, Form

_NAME = re.compile(r"--[^=.]*")
_KINDS: dict[Form, dict[str, Any]] = {
    Form.VALUE: {},
    Form.FLAG: {"is_flag": True},
    Form.EITHER: {"default": None},
    Form.SEVERAL: {"multiple": True},
}
_TYPES: dict[Any, Any] = {int: click.INT, float: click.FLOAT, str: click.STRING}


@click.group("vllm-bench")
def vllm_bench_command() -> None:
    """Takes the flags of `vllm bench`, so that its commands run as they are: put `fastbench` in front, and write
    `vllm-bench` for `vllm bench`."""


class _Serve(Sectioned):
    """Flags may be written with `_` for `-`, as vLLM's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        several = {f"--{flag.name}" for flag in FLAGS.values() if flag.form is Form.SEVERAL}
        return super().parse_args(ctx, spread(list(map(_dashed, args)), several))


def _dashed(arg: str) -> str:
    return _NAME.sub(lambda name: name[0].replace("_", "-"), arg, count=1) if arg.startswith("--") else arg


def serve(**_: Any) -> int:
    """Runs a command of `vllm bench serve` by fastbench: the same flags and defaults, the same load, the same result
    file. Prints the `fastbench perf` command that it becomes; what cannot be honoured is refused, or told.

    \b
    fastbench vllm-bench serve --model NAME --dataset-name random --num-prompts 200 --request-rate 10
    fastbench vllm-bench serve --backend openai-chat --endpoint /v1/chat/completions --dataset-name sharegpt \\
        --dataset-path ShareGPT.json --max-concurrency 64 --save-result

    docs/coming-from.md has all flags.
    """
    ctx = click.get_current_context()
    given = {
        name: list(value) if FLAGS[name].form is Form.SEVERAL else value
        for name, value in ctx.params.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    # Imported late: help must not wait for it.
    from fastbench.cli.vllm_bench.carrying_out import carry_out_serve

    return carry_out_serve(given)


def _option(flag: Flag) -> click.Option:
    name = f"--{flag.name}"
    opposite = f"/--no-{flag.name}" if flag.form is Form.EITHER else ""
    kind: Any = click.Choice(flag.choices) if flag.choices else _TYPES.get(flag.parse)
    if kind is None:
        kind = click.types.FuncParamType(flag.parse)
        kind.name = "number" if flag.parse.__name__ == "number" else "json"
    takes = {} if flag.form in (Form.FLAG, Form.EITHER) else {"type": kind, "metavar": _metavar(flag)}
    return click.Option([f"{name}{opposite}"], help=_help(flag), **takes, **_KINDS[flag.form])


def _metavar(flag: Flag) -> str | None:
    return f"[{'|'.join(flag.choices)}]" if flag.choices and len(flag.choices) < 4 else "NAME" if flag.choices else None


def _help(flag: Flag) -> str:
    default = "" if flag.default in (None, False) else f"  [default: {flag.default}]"
    return f"{flag.help}{default}  {f'→ {flag.becomes}' if flag.becomes else '(refused)'}"


def _sections() -> dict[str, Sequence[click.Option]]:
    return {title: [_option(flag) for flag in flags] for title, flags in GROUPS.items()}


def _command() -> _Serve:
    sections = _sections()
    options: list[click.Parameter] = [option for section in sections.values() for option in section]
    command = _Serve("serve", callback=serve, params=options, help=serve.__doc__)
    command.sections = sections
    return command


vllm_bench_command.add_command(_command())
