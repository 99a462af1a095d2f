"""Folders, names, exports and the question before one is cut."""

from dataclasses import replace
from pathlib import Path

import pytest

from rfviewer.gui import commands
from rfviewer.snapshot import RecordingStatus


def test_missing_folders_are_made_before_the_request(make_window, session, tmp_path, qtbot):
    videos, pictures = tmp_path / "no" / "Videos", tmp_path / "Pictures"
    window = make_window(session, default_videos_dir=videos, default_pictures_dir=pictures)
    qtbot.waitUntil(lambda: window.model.snapshot is not None)
    window.actions_["record"].trigger()
    window.actions_["shot_annotated"].trigger()
    assert session.asked("start_recording")[0][0].video.parent == videos
    assert session.asked("screenshot")[0][0].parent == pictures
    assert videos.is_dir()
    assert pictures.is_dir()


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(make_window, session, tmp_path, qtbot):
    (tmp_path / "file").touch()
    window = make_window(session, default_videos_dir=tmp_path / "file" / "Videos")
    qtbot.waitUntil(lambda: window.model.snapshot is not None)
    window.actions_["record"].trigger()
    assert session.asked("start_recording") == []
    sentence = window.banner.sentence.text()
    assert sentence.startswith(f"The folder {tmp_path / 'file' / 'Videos'} cannot be made")


def test_chosen_folders_are_remembered(window, session, tmp_path, preferences):
    window.outputs._on_record_path(str(tmp_path / "mine" / "street.v2.mp4"))
    request = session.asked("start_recording")[0][0]
    assert request.video == tmp_path / "mine" / "street.v2.mp4"
    assert preferences.folder("videos") == tmp_path / "mine"
    window.outputs._on_shot_path(str(tmp_path / "shots" / "a.png"))
    window.actions_["shot_raw"].trigger()
    folders = [call[0].parent for call in session.asked("screenshot")]
    assert folders == [tmp_path / "shots"] * 2


@pytest.mark.parametrize(
    ("name", "field"), [("a.mp4", "video"), ("a.jsonl", "labels"), ("a.json", "coco")]
)
def test_the_ending_of_an_export_chooses_its_kind(window, session, tmp_path, name, field):
    window.outputs.start_export(str(tmp_path / name))
    request = session.asked("start_recording")[-1][0]
    given = {part for part in ("video", "labels", "coco") if getattr(request, part)}
    assert given == {field}
    assert getattr(request, field) == tmp_path / name


def test_a_recording_without_frames_says_so(window, session):
    window.poller.stop()
    status = RecordingStatus(video=Path("/videos/a.mp4"), labels=None)
    window.model.apply(replace(session.poll(), recording=status))
    window.model.apply(replace(session.poll(), recording=replace(status, active=False)))
    assert window.status.state_text == "Nothing was recorded: no frame was shown meanwhile."


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_closing_asks_during_an_export(window, session, tmp_path, qtbot):
    window.outputs.start_export(str(tmp_path / "out.mp4"))
    qtbot.waitUntil(lambda: window.model.recording)
    window.close()
    assert window.isVisible()
    assert not session.closed
    box = window._closing.box
    assert box.text().startswith("An export is running: stop it and keep the first ")
    next(b for b in box.buttons() if b.text() == "Go on").click()
    assert window.isVisible()
    window.close()
    next(b for b in window._closing.box.buttons() if b.text() == "Stop and close").click()
    qtbot.waitUntil(lambda: session.closed)  # once the file is finished


def test_signals_do_not_ask(window, session, tmp_path, qtbot):
    window.outputs.start_export(str(tmp_path / "out.mp4"))
    qtbot.waitUntil(lambda: window.model.recording)
    window.close_now()
    assert session.closed


def test_a_log_folder_that_nothing_opens_is_named(window, monkeypatch, tmp_path):
    monkeypatch.setattr(commands.QDesktopServices, "openUrl", lambda _url: False)
    window.actions_["log_folder"].trigger()
    assert str(tmp_path) in window.status.state_text
