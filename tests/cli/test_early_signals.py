"""Ctrl-C and SIGTERM in the first moments: gone at once, nothing printed, the right exit code."""

import os
import signal
import subprocess
import sys
import time

import pytest


def begin(*arguments: str) -> subprocess.Popen[str]:
    """Start the program; return once it has taken the signals over, before its large imports."""
    code = "import sys; sys.argv[0] = 'rfviewer'; from rfviewer import early_signals, __main__; "
    code += "install = early_signals.install; "
    code += "early_signals.install = lambda: (install(), print('begun', flush=True)); "
    code += "sys.exit(__main__.main())"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.08, 0.3])
def test_a_window_that_never_came(number, after_s):
    process = begin("synthetic:64x48@25")
    time.sleep(after_s)  # the moment is the subject of the test: any one must do
    process.send_signal(number)
    out, errors = process.communicate(timeout=300)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in errors


def test_a_verb_that_was_not_done_is_no_success():
    code = "from rfviewer import early_signals as e; import os, signal, sys; e.install(); "
    code += "sys.argv = ['rfviewer', 'export', 'x']; os.kill(os.getpid(), signal.SIGTERM)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1


def test_verbs_get_the_usual_meaning_back():
    code = "from rfviewer import early_signals as e; import signal; e.install(); e.release(); "
    code += "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL; "
    code += "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
