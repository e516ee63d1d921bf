"""The `fastbench` command. Each of its commands is imported only when it is called, so that help is quick."""

import os
import sys
from importlib import import_module
from types import TracebackType
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from fastbench import __version__
from fastbench.cli.user import STDOUT, InterruptError, leave_with, say
from fastbench.errors import Exit, FastbenchError
from fastbench.live import ClosedError, StreamError, fill_standard, lead_nowhere, show_all

COMPLETING = "_FASTBENCH_COMPLETE"
"""The variable by which a shell's script asks what completes a command line."""

# name: (module, command, line of the overview)
_COMMANDS = {
    "perf": ("fastbench.cli.perf", "perf_command", "Measure a service: send the load, record, report."),
    "saturate": (
        "fastbench.cli.saturate",
        "saturate_command",
        "Find how many users a service carries within limits.",
    ),
    "watch": ("fastbench.cli.watch", "watch_command", "Watch a run from another terminal."),
    "recalc": ("fastbench.cli.report.recalc", "recalc_command", "Compute the report of a finished run again."),
    "report": (
        "fastbench.cli.report.report",
        "report_command",
        "Write the report page of runs, or one that compares them.",
    ),
    "compare": (
        "fastbench.cli.compare",
        "compare_command",
        "Tell whether one run, or service, is slower than another.",
    ),
    "baseline": ("fastbench.cli.baseline", "baseline_command", "Save a run's summary to compare later runs with it."),
    "export": (
        "fastbench.cli.report.export",
        "export_command",
        "Write a run for other tools: csv, jsonl, parquet, hlog, vLLM's and llm-d's files.",
    ),
    "merge": ("fastbench.cli.report.merge", "merge_command", "Merge shards into one run."),
    "doctor": ("fastbench.cli.doctor", "doctor_command", "Tell whether this machine can measure, and what to change."),
    "config": ("fastbench.cli.config", "config_command", "Check a config and print it, or the schema of configs."),
    "vllm-bench": (
        "fastbench.cli.vllm_bench",
        "vllm_bench_command",
        "Take the flags of `vllm bench serve`; write its result file.",
    ),
    "mock": ("fastbench.cli.mock", "mock_command", "Start the simulated service."),
    "completion": ("fastbench.cli.completion", "completion_command", "Print the script that makes a shell complete."),
}


class _LazyGroup(click.Group):
    """Commands by name, and their help lines, without their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        if ctx.resilient_parsing:
            # Imported late: only for a shell that completes the command line.
            from fastbench.cli.completion import offered

            return offered(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As ever; a command that there is not is told with the one that is most like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # Imported late: for this alone.
            from difflib import get_close_matches

            if alike := get_close_matches(args[0], _COMMANDS, 1):
                raise click.UsageError(f"{error.message} (Did you mean {alike[0]!r}?)", ctx) from None
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As ever, without the commands' modules."""
        found = [CompletionItem(name, help=line) for name, (_, _, line) in _COMMANDS.items()]
        own = super(click.Group, self).shell_complete(ctx, incomplete)
        return [*(one for one in found if one.value.startswith(incomplete)), *own]

    def invoke(self, ctx: click.Context) -> Any:
        """As ever, but for Ctrl-C, of which click would make an empty line too."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise InterruptError(*error.args[:1]) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


_HELP = f"""Measures a running LLM inference service through its streaming interface.

\b
Exit codes:
{"".join(f"  {code:<4} {code.means}{chr(10)}" for code in Exit)}
Of several the highest counts, but 3 goes before 4.
"""


@click.group(
    cls=_LazyGroup,
    help=_HELP,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="fastbench")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Without a command: help."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> NoReturn:
    """Ends the process with one of the codes of `Exit`."""
    # numpy's linear algebra is not used here, and its threads would spin beside the load for a while.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    fill_standard()
    if COMPLETING not in os.environ:  # what a shell completes click writes as bytes
        show_all()
    sys.excepthook = _without_keys
    try:
        code = cli.main(prog_name="fastbench", standalone_mode=False)
    except FastbenchError as error:
        code = _report(str(error), error.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "fastbench"
        told = _no_such_option(error) if isinstance(error, click.NoSuchOption) else None
        # Some of click's own sentences are lists of several lines, without an end.
        told = told or " ".join(error.format_message().split())
        code = _report(f"{told}{'' if told[-1:] in '.)' else '.'} See `{command} --help`.", error.exit_code)
    except click.ClickException as error:
        code = _report(error.format_message(), error.exit_code)
    except StreamError as error:
        code = _report(f"standard output takes no more: {error.strerror}", Exit.FAILED)
        lead_nowhere(STDOUT)
    except ClosedError:
        # Who closed it has seen enough.
        code = Exit.CLOSED
        lead_nowhere(STDOUT)
    except UnicodeEncodeError as error:
        code = _report(_name_fault(error), Exit.USAGE)
    leave_with(code or Exit.DONE)
    sys.exit(code)


def _name_fault(error: UnicodeEncodeError) -> str:
    """What to do about the name of a file that this locale cannot write. Raises any other `error` again."""
    if sys.getfilesystemencoding() == "utf-8":
        raise error
    return (
        f"{error.object!r} cannot be the name of a file in this locale ({sys.getfilesystemencoding()}); "
        "set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
    )


def _no_such_option(error: click.NoSuchOption) -> str | None:
    """The sentence about an option that other tools have, or another command; None = click's own will do."""
    from fastbench.options import LOAD, meant_by

    command = None if error.ctx is None else error.ctx.command
    if command is None or command.name not in ("perf", "saturate"):
        return None
    name, meant = error.option_name, meant_by(error.option_name)
    if not meant:
        return None
    flag = meant.split()[0]
    if any(flag in one.opts for one in command.params):
        return f"No such option '{name}'; use {meant}."
    if command.name == "perf":
        return f"{name} is an option of `fastbench saturate`."
    if flag.lstrip("-").replace("-", "_") in {option.name for option in LOAD}:
        return f"{name} is for `fastbench perf`: a search sets the load itself, up to --max, or as --sweep says."
    return f"{name} is an option of `fastbench perf`."


def _report(message: str, code: int) -> int:
    say(message)
    return code


def _without_keys(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A fault of fastbench itself, with its traceback, in which no key is shown."""
    from traceback import format_exception

    from fastbench.secrets import KNOWN

    sys.stderr.write(KNOWN.hide("".join(format_exception(kind, error, trace))))
