"""`python -m govbot`."""

from govbot.cli import main

main()
