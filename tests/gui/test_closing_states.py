"""The real window closes in time and with exit code 0 from every state, hanging drivers included.

The promise is 3 s; `closing_run.py` checks it many times on a quiet machine.
"""

import pytest

from tests.gui.closing_run import HANGING, LIMIT_S, ORDERLY, STATES, close_in, run_one

BUSY_LIMIT_S = 2.5 * LIMIT_S
"""What a machine that runs other things beside the tests may take."""


@pytest.mark.parametrize("state", ORDERLY)
def test_closing_in_one_process(qapp, tmp_path, state):
    code, took_s = close_in(state, child=False, folder=tmp_path)
    assert code == 0
    assert took_s < BUSY_LIMIT_S
    assert state != "recording" or len(list(tmp_path.glob("*.mp4"))) == 1


@pytest.mark.parametrize("state", HANGING)
def test_closing_beside_a_thread_that_hangs(state):
    code, took_s = run_one(state, "in-process")
    assert code == 0
    assert took_s < BUSY_LIMIT_S


@pytest.mark.parametrize("state", STATES)
def test_closing_with_an_engine_process(state):
    code, took_s = run_one(state, "child")
    assert code == 0
    assert took_s < BUSY_LIMIT_S
