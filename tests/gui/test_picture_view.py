"""The pictures of the parity dialog: as large as there is room, and closer on demand."""

import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QImage

from rfviewer.experiment import Badge
from rfviewer.gui.parity_dialog import ParityDialog
from rfviewer.gui.picture_view import PictureView, ZoomBar


@pytest.fixture
def view(qtbot):
    made = PictureView("Worst frame", "Nothing differs")
    qtbot.addWidget(made)
    made.resize(600, 300)
    image = QImage(1800, 600, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.gray)
    made.set_image(image)
    made.show()
    return made


def test_it_fits_and_keys_and_buttons_go_closer(view, qtbot):
    bar = ZoomBar(view)
    qtbot.addWidget(bar)
    assert view.image_rect().size().toSize() == QSize(600, 200)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.zoom == 1.0
    assert bar.figure.text() == "100 %"
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.zoom == pytest.approx(0.8)
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.fits
    qtbot.mouseClick(bar.buttons["Zoom in"], Qt.MouseButton.LeftButton)
    assert view.zoom == pytest.approx(1.25 / 3)
    qtbot.mouseClick(bar.buttons["Fit"], Qt.MouseButton.LeftButton)
    assert view.fits


def test_arrows_move_no_further_than_the_picture(view, qtbot):
    qtbot.keyClick(view, Qt.Key.Key_1)
    before = view.image_rect().left()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.image_rect().left() == pytest.approx(before - 60, abs=1)
    for _ in range(60):
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.image_rect().right() == pytest.approx(600, abs=1)


def test_a_double_click_goes_closer_where_it_was_made(view, qtbot):
    point = QPoint(500, 150)
    rect = view.image_rect()
    share = (point.x() - rect.left()) / rect.width()
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=point)
    rect = view.image_rect()
    assert (point.x() - rect.left()) / rect.width() == pytest.approx(share, abs=0.01)
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=point)
    assert view.fits


def test_another_picture_keeps_the_zoom(view):
    view.set_zoom(2.0, QPointF(10, 100))
    place = view.image_rect()
    view.set_image(view.image.copy())
    assert view.image_rect() == place


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_the_dialog_gives_its_room_to_the_pictures(window, session, qtbot, tmp_path):
    window.lab_parts.badge.click()
    session.lab.compare(Badge.GREEN, tmp_path)
    qtbot.waitUntil(lambda: window.lab_parts.badge.badge is Badge.GREEN)
    window.lab_parts.show_parity()
    dialog = window.findChild(ParityDialog)
    qtbot.waitUntil(lambda: not dialog.picture.image.isNull())
    room = window.screen().availableGeometry()
    assert dialog.width() >= min(0.9 * window.width(), room.width() - 40)
    assert dialog.height() >= min(0.9 * window.height(), room.height() - 60)
    assert dialog.picture.width() * dialog.picture.height() > (
        0.55 * dialog.width() * dialog.height()
    )
    dialog.close()
