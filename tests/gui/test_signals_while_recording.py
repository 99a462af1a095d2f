"""A signal during a recording finishes the file; `signal_run` measures it with more of them."""

import os
import signal

import pytest

from tests.gui.signal_run import end_by

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "number", "group"),
    [
        ("window", signal.SIGTERM, False),
        ("window", signal.SIGTERM, True),
        ("window", signal.SIGHUP, True),
        ("export", signal.SIGHUP, False),
    ],
)
def test_the_recording_is_finished(kind, number, group):
    ended = end_by(kind, number, group=group, after_s=0.0)
    assert ended.code == (1 if kind == "export" else 0)
    assert ended.video_s > 0
    assert ended.left == ()
