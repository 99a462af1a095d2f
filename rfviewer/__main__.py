"""Where the program begins, as `rfviewer` and as `python -m rfviewer`. Imports late."""

import logging
import os
import sys
import threading

from rfviewer import early_signals, standard_streams

OWN_THREADS = "rfviewer-"
"""How the names of the pipeline's threads begin (pipeline/threads.py)."""
GRACE_S = 0.2
"""How long each of them may still take."""


def main() -> int:
    """Run the command line; return the exit code."""
    standard_streams.prepare()
    early_signals.install()
    from rfviewer.cli import main as run

    code = run()
    leave_at_once_if_threads_hang(code)
    return code


def leave_at_once_if_threads_hang(code: int) -> None:
    """End the process with `code` if a thread of ours did not end in time.

    A network that still runs while the interpreter goes away ends the process by an abort (seen
    with ONNX Runtime on two threads); everything that has to be finished is by now.
    """
    ours = [one for one in threading.enumerate() if one.name.startswith(OWN_THREADS)]
    for thread in ours:
        thread.join(GRACE_S)
    hanging = [one.name for one in ours if one.is_alive()]
    if not hanging:
        return
    from rfviewer.pipeline.threads import told_on_closing

    level = logging.INFO if told_on_closing.is_set() else logging.WARNING
    logging.getLogger("rfviewer").log(level, "leaving without %s", ", ".join(hanging))
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()
    os._exit(code)


# Needed: child processes are spawned, and import this module again under another name.
if __name__ == "__main__":
    sys.exit(main())
