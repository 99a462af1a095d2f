"""A replay that is dropped or chosen brings its settings; one named at the start does not."""

import zipfile

import pytest

from rfviewer.config import EngineConfig, Settings, View
from rfviewer.gui.model import SessionModel
from rfviewer.optimizations import Optimizations
from rfviewer.sources.replay_file import CLIP, MANIFEST, RESULTS, SETTINGS, settings_text
from tests.gui.fake_session import FakeSession

SAVED = Settings(
    engine=EngineConfig(threads=3),
    view=View(threshold=0.3),
    optimizations=Optimizations(depth=1),
)


@pytest.fixture
def replay(tmp_path):
    path = tmp_path / "a.rfreplay"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (MANIFEST, RESULTS, CLIP):
            archive.writestr(name, b"")
        archive.writestr(SETTINGS, settings_text(SAVED))
    return str(path)


def test_a_replay_brings_its_settings(qapp, replay):
    model = SessionModel(FakeSession(), Settings())
    model.open(replay)
    assert (model.engine, model.view, model.optimizations) == (
        SAVED.engine,
        SAVED.view,
        SAVED.optimizations,
    )
    assert model.source_uri == replay


def test_the_command_line_has_the_last_word(qapp, replay):
    model = SessionModel(FakeSession(), Settings())
    model.open(replay, as_saved=False)
    assert model.optimizations == Optimizations()


def test_other_files_and_broken_replays_change_nothing(qapp, tmp_path):
    model = SessionModel(FakeSession(), Settings())
    broken = tmp_path / "b.rfreplay"
    broken.write_bytes(b"nothing")
    for source in ("a.mp4", str(broken), str(tmp_path / "missing.rfreplay")):
        model.open(source)
    assert model.engine == EngineConfig()
