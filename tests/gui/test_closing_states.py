"""The real window closes with exit code 0 from every state, hanging drivers included.

What hangs there never returns, so a window that waited for it would not close at all. How long it
takes is no matter of a test, which may run beside anything: the promise is 3 s, and
`closing_run.py` measures it many times on a quiet machine.
"""

import logging

import pytest

from tests.gui.closing_run import HANGING, ORDERLY, STATES, close_in, run_one


@pytest.mark.parametrize("state", ORDERLY)
def test_closing_in_one_process(qapp, tmp_path, state, monkeypatch, caplog):
    monkeypatch.setattr("rfviewer.pipeline.pipeline.CLOSE_CAPTURE_S", 60.0)
    caplog.set_level(logging.INFO, "rfviewer.pipeline")
    topic = logging.getLogger("rfviewer.pipeline")  # which may not propagate
    monkeypatch.setattr(topic, "handlers", [*topic.handlers, caplog.handler])
    code, _ = close_in(state, child=False, folder=tmp_path)
    assert code == 0
    for words in ("threads that did not end", "left in the middle of their work"):
        assert words not in caplog.text  # no time was used up in vain
    assert state != "recording" or len(list(tmp_path.glob("*.mp4"))) == 1


@pytest.mark.parametrize("state", HANGING)
def test_closing_beside_a_thread_that_hangs(state):
    code, _ = run_one(state, "in-process")
    assert code == 0


@pytest.mark.parametrize("state", STATES)
def test_closing_with_an_engine_process(state):
    code, _ = run_one(state, "child")
    assert code == 0
