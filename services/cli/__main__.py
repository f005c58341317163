"""The console script `careloop`, and `python -m services.cli`."""

import sys

from shared.errors import Misconfigured

WRONG = 2


def start() -> None:
    """Run the command line.

    A package whose analyser can't be taken is one line, no traceback.
    """
    try:
        from services.cli.main import main
    except Misconfigured as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(WRONG)
    main()


if __name__ == "__main__":
    start()
