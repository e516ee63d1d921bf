"""Messages to the user, beside the results."""

import sys


def say(message: str) -> None:
    """Lines for the user, on standard error. No key is in them."""
    # Imported late: help must not wait for it.
    from fastbench.secrets import KNOWN

    for line in KNOWN.hide(message).splitlines():
        print(f"fastbench: {line}", file=sys.stderr)
