"""Options with several values behind them, and help in sections."""

import click
import pytest
from click.testing import CliRunner

from fastbench.cli.perf import perf_command
from fastbench.cli.perf.parsing import spread


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("--m a b --x c", "--m a --m b --x c"),
        ("--m a --m b c", "--m a --m b --m c"),
        ("--m a -x b", "--m a -x b"),
        ("x --m", "x --m"),
        ("--m=a b", "--m=a b"),
        ("--n 5 a", "--n 5 a"),
        ("", ""),
    ],
)
def test_values_up_to_the_next_option(line: str, wanted: str) -> None:
    """All that stands behind such an option, up to the next one, is its own."""
    assert spread(line.split(), {"--m"}) == wanted.split()


def test_values_reach_the_command() -> None:
    """Names behind one flag, and behind repeated flags, come in their order; the config has its place."""
    found = perf_command.make_context("perf", ["run.py", "--models", "a", "b", "-q", "--models", "c"]).params
    assert (found["models"], found["config_file"], found["quiet"]) == (("a", "b", "c"), "run.py", True)


def test_an_optional_value() -> None:
    """`--reuse` takes the word behind it, if it is no option, and else means the latest run."""

    def reused(*words: str) -> object:
        return perf_command.make_context("perf", list(words)).params["reuse"]

    assert [reused("-r", "20260101_000000"), reused("--reuse", "--debug"), reused("-r"), reused()] == [
        "20260101_000000",
        "latest",
        "latest",
        None,
    ]


def test_a_flag_without_a_value_is_refused() -> None:
    """`--models` alone is a mistake."""
    with pytest.raises(click.BadOptionUsage, match="requires an argument"):
        perf_command.make_context("perf", ["--models"])


def test_every_option_has_a_section() -> None:
    """Help shows each option once, in its section, and every one has a text."""
    options = [option for section in perf_command.sections.values() for option in section]
    assert len(options) == len({option.name for option in options}) == len(perf_command.params) - 1
    shown = CliRunner().invoke(perf_command, ["--help"]).output
    for option in options:
        assert option.help
        assert option.opts[-1] in shown
