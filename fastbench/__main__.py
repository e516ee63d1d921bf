"""`python -m fastbench`."""

from fastbench.cli.main import main

main()
