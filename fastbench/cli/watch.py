"""`fastbench watch`: look on while another terminal's run goes on."""

from pathlib import Path

import click

from fastbench.cli.interrupt import leave_in_order


@click.command("watch")
@click.argument("directory", type=click.Path(path_type=Path), default="outputs/default")
def watch_command(directory: Path) -> int:
    """Shows a run that was started elsewhere, until it ends or Ctrl-C ends the looking on; the run is not touched.

    DIRECTORY is that of the run, or the work dir of several: the latest is shown.  [default: outputs/default]

    On a terminal it is the screen that `fastbench perf` shows; elsewhere a line for each task now and then. The exit
    code is 0 when all went well so far, else 1.

    \b
    fastbench watch outputs/default/20261124_073446
    """
    # Imported late: help must not wait for it.
    from fastbench.cli.look_on import look_on

    leave_in_order()
    return look_on(directory)
