"""`python -m rfviewer` is the same as `rfviewer`."""

import sys

from rfviewer.cli import main

# Needed: child processes are spawned, and import this module again under another name.
if __name__ == "__main__":
    sys.exit(main())
