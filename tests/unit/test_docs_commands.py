"""The commands that README and docs show are commands: each option is known, and takes the value that it is given."""

import re
from itertools import product

import click
import pytest
from doc_pages import PAGES, commands

from fastbench.cli.main import cli
from fastbench.cli.perf.parsing import given_options
from fastbench.errors import FastbenchError
from fastbench.options import run_of_options

SHOWN = [shown for page in PAGES for shown in commands(page)]
FILE = re.compile(r"\.(py|ya?ml|json|jsonl|csv)$|/$")
PLUGIN = "acme"
"""What only the example plugin knows: `tests/e2e/test_plugin.py` runs that one."""
SERVICE = re.compile(r"http://\w|--mock$")


def alternatives(words: list[str]) -> list[list[str]]:
    """The command with each choice of a word such as `csv|jsonl`."""
    return [list(one) for one in product(*([word] if "<" in word else word.split("|") for word in words))]


def fault(words: list[str]) -> str:
    """What is wrong with it, "" if nothing is; a file that it names need not be there."""
    context = click.Context(cli, info_name="fastbench")
    command: click.Command | None = cli
    name, rest = "fastbench", words[1:]
    try:
        while isinstance(command, click.Group) and rest:
            name, command, rest = command.resolve_command(context, rest)
        assert command is not None
        made = command.make_context(name, rest, parent=context)
        if name == "perf" and any(map(SERVICE.match, rest)) and not any(map(FILE.search, rest)):
            run_of_options(given_options(made))
    except (click.ClickException, FastbenchError) as error:
        return str(error)
    return ""


def spellings(command: click.Command) -> set[str]:
    """All options of the command, as they are written, and those of its own commands."""
    if isinstance(command, click.Group):
        return set().union(*map(spellings, command.commands.values()))
    return {"--help"}.union(*({*option.opts, *option.secondary_opts} for option in command.params))


def test_every_command_line_is_one() -> None:
    """Each command of an indented or fenced block is taken by fastbench's own parser; those of a run make a plan."""
    assert len(SHOWN) > 50
    faults = {
        f"{shown.place}: {' '.join(words)}": found
        for shown in SHOWN
        for words in alternatives(shown.words)
        if PLUGIN not in words and (found := fault(words))
    }
    assert faults == {}


@pytest.mark.parametrize(
    "words", ["fastbench perf --no-such", "fastbench nothing", "fastbench perf --rate quick --mock"]
)
def test_a_wrong_one_is_seen(words: str) -> None:
    """A command, an option or a value that there is not is a fault."""
    assert fault(words.split())


def test_commands_in_sentences_and_tables_are_there() -> None:
    """`fastbench NAME --option` within a line of text names a command that there is, and options of it."""
    wrong = []
    for page in PAGES:
        for words in re.findall(r"`fastbench ([a-z][a-z-]*(?: [^`]*)?)`", page.read_text(encoding="utf-8")):
            name, *rest = words.split()
            command = cli.get_command(click.Context(cli), name)
            options = {word.partition("=")[0].rstrip(",") for word in rest if re.match(r"--\w", word)}
            if command is None or not options <= spellings(command):
                wrong.append(f"{page.name}: fastbench {words}")
    assert wrong == []
