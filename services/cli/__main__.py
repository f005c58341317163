"""`python -m services.cli`: the console script where careloop is not installed."""

from services.cli.main import main

main()
