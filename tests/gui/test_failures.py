"""What the window says and offers when an engine is refused, missing, failed or dead."""

from dataclasses import replace

import pytest

from rfviewer.config import ColorBy, EngineConfig, Policy, Settings
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import EnginePhase, EngineStatus, PlayState, RecordingStatus
from tests.gui.fake_session import FakeSession


@pytest.fixture
def still(window):
    """The window with its polling stopped, so that a test decides on every snapshot."""
    window.poller.stop()
    return window


def _failed(session: FakeSession, sentence: str):
    return replace(
        session.poll(), engine=EngineStatus(EnginePhase.FAILED, sentence), state=PlayState.PLAYING
    )


def test_a_refused_backend_gives_way_to_the_one_in_use(still, session):
    panel = still.panel.engine
    still.model.apply(session.poll())
    still.model.update_engine(backend="tensorrt")
    assert panel._backend_box.currentData() == "tensorrt"
    still.model.apply(session.poll())  # from before the request was carried out
    assert panel._backend_box.currentData() == "tensorrt"
    sentence = "There is no NVIDIA GPU. The previous model stays in use."
    loading = EngineStatus(EnginePhase.LOADING, "Loading the model", 1, 1)
    still.model.apply(replace(session.poll(), engine=loading))
    still.model.apply(replace(session.poll(), notices=(("error", sentence),)))
    assert panel._backend_box.currentData() == "auto"
    assert still.model.engine == EngineConfig()
    assert panel.error.text() == sentence
    assert not panel.error.isHidden()
    still.model.update_engine(backend="onnxruntime")
    assert panel.error.isHidden()
    assert session.asked("set_engine")[-1] == (EngineConfig(backend="onnxruntime"),)


def test_a_taken_backend_stays(still, session):
    still.model.apply(session.poll())
    still.model.update_engine(backend="onnxruntime")
    loading = EngineStatus(EnginePhase.LOADING, "Loading the model", 1, 1)
    still.model.apply(replace(session.poll(), engine=loading))
    still.model.apply(session.poll())
    still.model.apply(replace(session.poll(), notices=(("error", "The disk is full."),)))
    assert still.model.engine.backend == "onnxruntime"


def test_a_model_without_classes_says_so(make_window, session):
    window = make_window(session)
    window.poller.stop()
    ready = session.poll()
    empty = replace(ready.engine.info, class_names=())
    window.model.apply(replace(ready, engine=replace(ready.engine, info=empty)))
    assert window.panel.classes.empty.text() == "The model has no classes."


def test_a_model_that_cannot_load_offers_others_and_no_restart(make_window, session):
    window = make_window(session, Settings(engine=EngineConfig(model="bad.onnx")))
    window.poller.stop()
    window.model.apply(_failed(session, "bad.onnx is no ONNX file; choose another model."))
    texts = [window.banner.button.text(), window.banner.second.text()]
    assert texts == ["Use the demo model", "Choose a model…"]
    words = {row.state_word for row in window.panel.rack.rows.values()}
    assert words == {"no engine"}
    assert "no engine" in window.panel.classes.empty.text()
    window.banner.button.click()
    assert session.asked("set_engine") == [(EngineConfig(),)]
    assert session.asked("restart") == []


def test_a_backend_that_cannot_run_offers_the_automatic_one(make_window, session):
    window = make_window(session, Settings(engine=EngineConfig(backend="tensorrt")))
    window.poller.stop()
    window.model.apply(_failed(session, "There is no NVIDIA GPU."))
    assert window.banner.button.text() == "Use the automatic backend"
    window.banner.button.click()
    assert session.asked("set_engine") == [(EngineConfig(),)]


def test_a_death_ends_the_recording_on_screen_and_names_the_file(still, session, tmp_path):
    left = tmp_path / "a.partial.mp4"
    left.touch()
    running = RecordingStatus(tmp_path / "a.mp4", labels=None, frames=9, partial=left)
    still.model.apply(replace(session.poll(), recording=running))
    assert still.actions_["record"].text() == "Stop"
    sentence = "The engine process ended unexpectedly (killed by SIGKILL)."
    kept = replace(running, active=False, error="Its partial file is kept.")
    dead = replace(_failed(session, sentence), state=PlayState.FAILED, error=sentence)
    for status in (replace(kept, active=True), kept):
        still.model.apply(replace(dead, recording=status))
        assert still.actions_["record"].text() == "Record"
        assert still.video.header.recording.text == ""
    assert still.banner.sentence.text() == f"{sentence} Its partial file is kept. ({left})"
    assert still.banner.button.text() == "Restart"


def test_a_policy_that_changed_by_itself_is_told(still, session):
    still.model.apply(replace(session.poll(), policy=Policy.EVERY_FRAME))
    still.model.apply(replace(session.poll(), policy=Policy.KEEP_PACE))
    assert "keeps pace now" in still.status.state_text


def test_a_policy_that_was_asked_for_is_no_news(still, session):
    still.model.apply(replace(session.poll(), policy=Policy.KEEP_PACE))
    still.model.update_playback(policy=Policy.EVERY_FRAME)
    still.model.apply(replace(session.poll(), policy=Policy.EVERY_FRAME))
    assert "every frame" not in still.status.state_text


def test_the_optimise_menu_shows_what_is_requested(still, session):
    still.model.apply(session.poll())
    order = still.panel.rack.order
    place = order.index("roi_masks") + 1
    action = still.actions_[f"toggle_{place}"]
    assert action.isCheckable()
    assert action.isChecked()
    action.trigger()
    assert not action.isChecked()
    assert still.model.optimizations.roi_masks is False
    assert still.actions_["all_on"].isChecked() is False
    still.actions_["baseline"].trigger()
    assert still.actions_["baseline"].isChecked()
    still.actions_["all_on"].trigger()
    still.actions_["all_on"].trigger()
    assert still.actions_["all_on"].isChecked()
    assert still.model.optimizations == Optimizations()


def test_instance_colours_leave_the_chips_neutral(still, session):
    still.model.apply(session.poll())
    rows = still.panel.classes.rows
    assert all(row.color is not None for row in rows.rows)
    still.model.update_view(color_by=ColorBy.INSTANCE)
    assert all(row.color is None for row in rows.rows)
    assert not still.panel.classes.grab().isNull()


def test_the_class_heading_counts_what_is_shown(still, session):
    still.model.apply(session.poll())
    still.model.update_view(hidden_class_ids=frozenset({3, 4}))
    still.model.apply(session.poll())
    assert still.panel.classes._summary.text() == "3 of 5 shown · 3 on screen"
