"""`python -m gcolor`."""

from .cli.main import main

main()
