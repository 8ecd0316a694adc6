"""`python -m scrub` is the `scrub` command."""

from scrub.cli.app import main

main()
