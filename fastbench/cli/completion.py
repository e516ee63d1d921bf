"""`fastbench completion`: the script by which a shell completes the command, and what it completes with file names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy

import click
from click.shell_completion import CompletionItem, get_completion_class

from fastbench.errors import Exit

SHELLS = ("bash", "zsh", "fish")
_FILES, _DIRECTORIES, _WORD = re.compile("FILE|PATH|CONFIG"), re.compile("DIR"), re.compile("[a-z][a-z-]*")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> int:
    """Prints the script that makes SHELL complete fastbench's commands, options, choices and file names.

    \b
    fastbench completion bash >> ~/.bashrc
    fastbench completion zsh > ~/.zfunc/_fastbench      a directory in fpath
    fastbench completion fish > ~/.config/fish/completions/fastbench.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "fastbench", "_FASTBENCH_COMPLETE").source())
    return Exit.DONE


class _Offered(click.ParamType):  # type: ignore[type-arg]  # none that can be named in click 8.1
    """Text that a shell completes with names of files or directories, or with words."""

    name = "text"

    def __init__(self, kind: str, words: Sequence[str] = ()) -> None:
        """kind: file, dir or plain, which has the words."""
        self._kind = kind
        self._words = words

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Of files and directories the order to click's script for a shell to complete them itself."""
        if self._kind != "plain":
            return [CompletionItem(incomplete, type=self._kind)]
        return [CompletionItem(word) for word in self._words if word.startswith(incomplete)]


def offered(command: click.Command) -> click.Command:
    """A copy that makes the shell complete what help calls a FILE, a DIR or a PATH, and arguments, with names of such;
    and what stands there in small letters, as in [chat|tgi], with these words. For a command line that is completed
    and not carried out."""
    found = copy(command)
    if isinstance(found, click.Group):
        found.commands = {name: offered(one) for name, one in found.commands.items()}
    found.params = [_offered(param) for param in found.params]
    return found


def _offered(param: click.Parameter) -> click.Parameter:
    metavar = param.metavar or ""
    words = [word for word in metavar.strip("[]").split("|") if _WORD.fullmatch(word)]
    if isinstance(param.type, click.Choice | click.Path) or getattr(param, "is_flag", False):
        return param
    kind = None
    if isinstance(param, click.Argument) or _FILES.search(metavar):
        kind = _Offered("file")
    elif _DIRECTORIES.search(metavar):
        kind = _Offered("dir")
    elif words:
        kind = _Offered("plain", words)
    if kind is None:
        return param
    found = copy(param)
    found.type = kind
    return found
