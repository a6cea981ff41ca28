"""``python -m averting`` is the command line."""

from averting.cli import main

main()
