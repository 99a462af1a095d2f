"""The window's side of a session, without a window."""

from dataclasses import replace

import pytest

from rfviewer.config import Settings
from rfviewer.gui.model import SessionModel
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


def test_a_relative_seek_counts_from_the_picture_after_an_absolute_one(model):
    model.seek_by(1.0)
    model.seek(0.0)
    model.seek_by(1.0)
    assert sought(model) == [4.0, 0.0, 4.0]
