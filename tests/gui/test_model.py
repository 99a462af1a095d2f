"""The window's side of a session, without a window."""

import time
from dataclasses import replace

import pytest

from rfviewer.config import Settings
from rfviewer.gui.model import SEEK_SETTLES_S, SessionModel
from tests.gui.fake_session import FakeSession


@pytest.fixture
def model(qapp) -> SessionModel:
    model = SessionModel(FakeSession(), Settings())
    model.apply(replace(model.session.poll(), pts_s=3.0))
    return model


def sought(model: SessionModel) -> list[float]:
    return [call[1] for call in model.session.calls if call[0] == "seek"]


def test_quick_relative_seeks_add_up_before_a_snapshot_tells_of_the_first(model):
    for _ in range(3):
        model.seek_by(1.0)
    assert sought(model) == [4.0, 5.0, 6.0]


def test_relative_seeks_add_up_until_the_picture_of_the_last_one_is_there(model):
    def arrive(pts_s: float) -> None:
        model.apply(replace(model.snapshot, pts_s=pts_s))

    model.seek_by(5.0)
    arrive(3.03)  # a frame from before: a slow network takes seconds for the next one
    model.seek_by(5.0)
    arrive(8.0)  # of the first press
    model.seek_by(-1.0)
    assert sought(model) == [8.0, 13.0, 12.0]
    arrive(11.97)
    arrive(14.0)  # it has played on since
    model.seek_by(1.0)
    assert sought(model)[-1] == 15.0


def test_relative_seeks_beyond_an_end_do_not_pile_up(model):
    for _ in range(6):
        model.seek_by(5.0)
    model.seek_by(-5.0)
    duration_s = model.snapshot.source.duration_s
    assert sought(model)[-2:] == [duration_s, duration_s - 5.0]


def test_a_seek_that_never_arrives_is_forgotten(model, monkeypatch):
    model.seek_by(5.0)
    now_s = time.monotonic()
    monkeypatch.setattr("rfviewer.gui.model.time.monotonic", lambda: now_s + SEEK_SETTLES_S + 1)
    model.seek_by(1.0)
    assert sought(model) == [8.0, 4.0]


def test_a_relative_seek_counts_from_the_picture_after_an_absolute_one(model):
    model.seek_by(1.0)
    model.seek(0.0)
    model.seek_by(1.0)
    assert sought(model) == [4.0, 0.0, 4.0]
