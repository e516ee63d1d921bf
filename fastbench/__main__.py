"""The `fastbench` command, and `python -m fastbench`: handles Ctrl-C before anything slow is imported."""

# The module below `signal`, which takes 10 ms more to be imported: a Ctrl-C in them would end in a traceback.
import _signal  # type: ignore[import-not-found]
import os


def _leave(*_: object) -> None:
    """Ends the process where it is: an exception could be lost in what is being imported."""
    os.write(2, b"fastbench: interrupted\n")
    os._exit(130)  # errors.Exit.INTERRUPTED, without its import


_signal.signal(_signal.SIGINT, _leave)


def main() -> None:
    """See `cli.main.main`."""
    from fastbench.cli.main import main as command

    command()


if __name__ == "__main__":
    main()
