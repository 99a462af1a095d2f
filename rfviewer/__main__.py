"""Where the program begins, as `rfviewer` and as `python -m rfviewer`. Imports late."""

import sys

from rfviewer import early_signals


def main() -> int:
    """Run the command line; return the exit code."""
    early_signals.install()
    from rfviewer.cli import main as run

    return run()


# Needed: child processes are spawned, and import this module again under another name.
if __name__ == "__main__":
    sys.exit(main())
