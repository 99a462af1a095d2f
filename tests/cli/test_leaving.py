"""The program leaves with its code although a thread hangs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, threading
from rfviewer import __main__ as program
from rfviewer.pipeline.threads import start_thread, told_on_closing
if "told" in sys.argv:
    told_on_closing.set()
if "none" not in sys.argv:
    start_thread("engine", threading.Event().wait)
else:
    program.GRACE_S = 60.0  # a busy machine may not come to the quick one at once
start_thread("quick", lambda: None)
print("done")
program.leave_at_once_if_threads_hang(3)
sys.exit(4)
"""


@pytest.mark.parametrize(("word", "code"), [("hang", 3), ("told", 3), ("none", 4)])
def test_only_a_thread_that_hangs_cuts_the_exit_short(word, code):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, word], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == code
    assert done.stdout == "done\n"
    assert ("leaving without rfviewer-engine" in done.stderr) == (word == "hang")
    assert word != "told" or not done.stderr
