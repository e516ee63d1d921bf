"""`python -m fastbench.mock`: the same as `fastbench mock`."""

from fastbench.cli.mock import mock_command

mock_command(prog_name="fastbench mock")
