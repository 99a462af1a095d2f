from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from rfviewer.config import ColorBy, Policy
from rfviewer.gui.source_menu import dropped_source
from rfviewer.gui.theme import ThemeChoice
from rfviewer.gui.tokens import DARK, LIGHT, current_tokens
from rfviewer.snapshot import PlayState, PresentedFrame
from tests.gui.fake_session import FakeSession


def test_the_first_paint_needs_no_engine(make_window, qtbot):
    window = make_window(FakeSession(load_s=3600.0))
    qtbot.waitUntil(lambda: window.video.header.loading.text.startswith("Loading 1 of 4"))
    assert window.video.pages.currentWidget() is window.video.view
    assert window.live.plots.idle is not None


def test_loading_without_an_image_shows_the_steps(make_window, qtbot):
    session = FakeSession(load_s=3600.0)
    session.take_image = lambda: None
    window = make_window(session)
    panel = window.video.loading_panel
    qtbot.waitUntil(lambda: window.video.pages.currentWidget() is panel)
    qtbot.waitUntil(
        lambda: any("Reading the model" in label.text() for label in panel.findChildren(QLabel))
    )


def test_the_status_bar_says_that_it_measures_and_that_it_was_stopped(window, session, qtbot):
    status = window.status
    qtbot.waitUntil(lambda: status.state_text.startswith("Playing"))
    session.lab.hold = True
    window.lab_parts.lab.measure_toggle("packed_masks")
    qtbot.waitUntil(lambda: status.state_text.startswith("Measuring: 8 s of at most 24 s"))
    assert "street.mp4" in status.state_text
    window.lab_parts.lab.stop()
    qtbot.waitUntil(lambda: status.state_text == "The measurement was stopped.")
    status._notice_timer.timeout.emit()
    assert status.state_text.startswith("Playing")


def test_a_snapshot_reaches_every_part(window, qtbot):
    status = window.status
    qtbot.waitUntil(lambda: status.cells["engine"].figure.text() == "onnxruntime fp32")
    assert status.cells["inferred"].figure.text() == "3.9"
    assert status.cells["waiting"].figure.text() == "3"
    assert status.cells["memory"].figure.text() == "612 MB"
    assert "street.mp4" in status.state_text
    assert "street.mp4" in window.windowTitle()
    assert window.transport.readout.text().startswith("0:0")
    assert window.video.header.age.text == "masks 0.24 s old"
    assert "not measured: no GPU" in {
        label.text() for label in window.live.plots.findChildren(QLabel)
    }


def test_the_image_is_painted_as_it_is(window, qtbot):
    image = np.full((4, 8, 4), (10, 20, 30, 255), np.uint8)
    image.setflags(write=False)  # as the shared-memory ring hands it out
    window.poller.stop()
    view = window.video.view
    view.set_frame(PresentedFrame(image, 7, 0.2, 0, 0, 0.0))
    shot = view.grab().toImage()
    middle = shot.pixelColor(shot.width() // 2, shot.height() // 2)
    assert middle == QColor(30, 20, 10)
    assert view.frame.frame_index == 7


def test_zoom_keeps_the_point_under_the_pointer(window):
    view = window.video.view
    window.poller.stop()
    view.set_zoom(None)
    assert view.fits
    anchor = QPointF(view.width() * 0.3, view.height() * 0.6)
    before = view._target()
    u = (anchor.x() - before.left()) / before.width()
    view.set_zoom(view.zoom * 4, anchor)
    after = view._target()
    assert (anchor.x() - after.left()) / after.width() == pytest.approx(u, abs=0.01)
    assert not view.fits


def test_who_hears_of_the_zoom_finds_no_frame_after_a_clear(window):
    view, found = window.video.view, []
    assert view.frame is not None
    view.zoom_changed.connect(lambda: found.append((view.frame, view.image.isNull())))
    view.clear()
    assert found == [(None, True)]


def test_controls_send_whole_views(window, session):
    window.panel.show_panel._threshold._slider.setValue(30)
    assert session.asked("set_view")[-1][0].threshold == 0.3
    window.actions_["color_by"].trigger()
    view = session.asked("set_view")[-1][0]
    assert view.color_by is ColorBy.INSTANCE
    assert view.threshold == 0.3


def test_classes_are_hidden_by_id(window, session, qtbot):
    rows = window.panel.classes.rows
    qtbot.waitUntil(lambda: len(rows.rows) == 5)
    names = [row.name for row in rows.rows]
    index = rows.index(names.index("car"))
    rows.setData(index, Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert session.asked("set_view")[-1][0].hidden_class_ids == frozenset({3})
    window.panel.classes._on_all(hide=False)
    assert session.asked("set_view")[-1][0].hidden_class_ids == frozenset()


def test_the_policy_follows_the_session_until_chosen(window, session, qtbot):
    def checked():
        return [b.text() for b in window.transport.policy._group.buttons() if b.isChecked()]

    qtbot.waitUntil(lambda: checked() == ["Keep pace"])
    window.actions_["policy"].trigger()
    assert session.asked("set_playback")[-1][0].policy is Policy.EVERY_FRAME
    assert checked() == ["Every frame"]
    window.model.open("other.mp4")
    assert session.asked("open")[-1][1].policy is None


def test_seeking_is_clipped_to_the_source(window, session):
    window.model.seek(1e9)
    assert session.asked("seek")[-1] == (20.0,)
    window.model.seek(-5)
    assert session.asked("seek")[-1] == (0.0,)


def test_a_failed_source_is_told_over_the_video(window, session, qtbot):
    session.failure = "There is no video in <b>notes</b>.txt; open another file."
    panel = window.video.error_panel
    qtbot.waitUntil(lambda: window.video.pages.currentWidget() is panel)
    assert panel.sentence.text() == session.failure
    assert panel.sentence.textFormat() == Qt.TextFormat.PlainText
    panel.try_again.emit()
    assert session.asked("open")
    qtbot.waitUntil(lambda: window.video.pages.currentWidget() is window.video.view)


def test_a_dead_engine_gets_a_restart_button(window, session, qtbot):
    session.engine_failure = "The engine child ended unexpectedly."
    session.notify("error", session.engine_failure)
    qtbot.waitUntil(window.banner.isVisible)
    assert window.banner.sentence.text() == session.engine_failure
    assert window.banner.button.isVisible()
    window.banner.button.click()
    assert session.asked("restart") == [()]
    qtbot.waitUntil(lambda: window.model.snapshot.state is PlayState.PLAYING)
    assert not window.banner.isVisible()


def test_error_notices_stay_and_others_pass(window, session, qtbot):
    session.notify("info", "Saved a.png")
    qtbot.waitUntil(lambda: window.status.state_text == "Saved a.png")
    session.notify("error", "The disk is full.")
    qtbot.waitUntil(lambda: window.banner.sentence.text() == "The disk is full.")
    assert not window.banner.button.isVisible()


def test_recording_is_visible_and_stops(window, session, qtbot, tmp_path: Path):
    qtbot.waitUntil(window.actions_["record"].isEnabled)
    window.actions_["record"].trigger()
    (request,) = session.asked("start_recording")[-1]
    assert request.video.parent == tmp_path
    assert request.video.name.startswith("street-")
    assert request.labels is None
    qtbot.waitUntil(lambda: window.video.header.recording.text.startswith("REC"))
    assert window.actions_["record"].text() == "Stop"
    window.actions_["record"].trigger()
    qtbot.waitUntil(lambda: window.video.header.recording.text == "")
    assert window.actions_["record"].text() == "Record"


def test_an_export_runs_every_frame_from_the_start_and_ends_by_itself(
    window, session, qtbot, tmp_path
):
    before = window.model.playback
    window.outputs.start_export(str(tmp_path / "out.mp4"))
    _uri, playback = session.asked("open")[-1]
    assert playback.policy is Policy.EVERY_FRAME
    assert playback.rate is None
    session.settings = replace(session.settings, playback=replace(playback, loop=False))
    session._pts = 19.99
    qtbot.waitUntil(lambda: session.asked("stop_recording") == [()])
    qtbot.waitUntil(lambda: not window.outputs.exporting)
    assert session.asked("set_playback")[-1] == (before,)


def test_window_screenshot_is_a_file(window, tmp_path):
    window.actions_["shot_window"].trigger()
    (path,) = tmp_path.glob("rfviewer-window-*.png")
    assert path.stat().st_size > 1000


def test_themes_change_palette_and_icons(window, preferences):
    assert current_tokens() is DARK
    dark = window.actions_["open_file"].icon().pixmap(16, 16).toImage()
    window._on_theme(ThemeChoice.LIGHT)
    assert current_tokens() is LIGHT
    assert window.palette().window().color().name() == LIGHT.window
    assert window.actions_["open_file"].icon().pixmap(16, 16).toImage() != dark
    assert preferences.theme is ThemeChoice.LIGHT


def test_every_label_is_plain_text(window, session, qtbot):
    window.live.show_stats_briefly()
    labels = window.findChildren(QLabel)
    wrong = [
        label.text()
        for label in labels
        if label.text() and label.textFormat() != Qt.TextFormat.PlainText
    ]
    assert len(labels) > 60
    assert wrong == []


def test_controls_are_named_and_reachable(window):
    for widget in window.findChildren(object):
        policy = getattr(widget, "focusPolicy", None)
        if policy is None or widget.objectName().startswith("qt_") or not widget.isVisible():
            continue
        if policy() & Qt.FocusPolicy.TabFocus:
            name = widget.accessibleName() or getattr(widget, "text", lambda: "")()
            assert name, widget


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("rtsp://host/live", "rtsp://host/live"),
        ("ftp://host/a.mp4", None),
    ],
)
def test_dropped_addresses(text, source):
    mime = QMimeData()
    mime.setUrls([QUrl(text)])
    assert dropped_source(mime) == source


def test_dropped_files(tmp_path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "a b&c.mp4"))])
    assert dropped_source(mime) == str(tmp_path / "a b&c.mp4")


def test_cameras_are_looked_for_only_on_demand(make_window, session):
    asked = []
    window = make_window(
        session, list_cameras=lambda: asked.append(1) or [("Logi & Co", "camera:0")]
    )
    assert asked == []
    window.sources.look_for_cameras()
    from PySide6.QtCore import QCoreApplication

    QCoreApplication.processEvents()
    assert asked == [1]
    assert [action.text() for action in window.sources.cameras.actions()] == ["Logi && Co"]
    window.sources.cameras.actions()[0].trigger()
    assert session.asked("open")[-1][0] == "camera:0"
