"""The names of the sides of the split line: plain, and legible whatever the picture's size."""

import numpy as np
import pytest
from PySide6.QtGui import QFontMetrics

from rfviewer.experiment import Badge
from rfviewer.gui.video_marks import SIDES, name_that_fits
from rfviewer.lab.describe import plain_difference
from rfviewer.optimizations import Optimizations, toggle_of
from rfviewer.snapshot import PresentedFrame

BASELINE = Optimizations.baseline()


def picture(width: int, height: int) -> PresentedFrame:
    image = np.full((height, width, 4), 120, np.uint8)
    return PresentedFrame(image, 1, 0.0, 0, 0, 0.0)


@pytest.fixture
def split(window, session, qtbot):
    """The marks of a window that compares, on a picture which does not move."""
    window.actions_["split"].trigger()
    session.lab.compare(Badge.GREEN, sides=("14 switches off", "14 switches on"))
    qtbot.waitUntil(lambda: window.lab.parity.compared > 0)
    window.poller.stop()
    return window.lab_parts.marks


@pytest.mark.parametrize("size", [(312, 176), (640, 360), (1920, 1080)])
@pytest.mark.parametrize("window_size", [(1280, 800), (1024, 700)])
def test_both_names_are_whole_on_every_picture(window, split, qtbot, size, window_size):
    window.resize(*window_size)
    window.video.view.set_frame(picture(*size))
    left, right = split.sides

    def stand_beside_the_line() -> bool:
        line = split.handle.geometry().center().x()
        return left.geometry().right() < line < right.geometry().left()

    qtbot.waitUntil(stand_beside_the_line)
    assert left.text() == "Reference: 14 switches off"
    assert right.text() == "As set now: 14 switches on"
    for name in (left, right):
        assert name.isVisible()
        assert name.width() >= name.sizeHint().width()
        assert window.video.view.rect().contains(name.geometry())


def test_a_name_gives_way_with_the_room_of_its_side(window, split, qtbot):
    window.video.view.set_frame(picture(640, 360))
    widths = []
    for share in (0.5, 0.2, 0.12, 0.0):
        split.handle.move_to(share)
        split.arrange()
        left = split.sides[0]
        image = window.video.view.image_rect()
        assert left.text() == "" or left.geometry().left() >= image.left() - 1
        widths.append(left.width() if left.isVisible() else 0)
        assert split.sides[1].text() == "As set now: 14 switches on"
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1] == 0


def test_what_fits_is_the_whole_name_then_its_title_then_nothing(qapp):
    metrics = QFontMetrics(qapp.font())
    whole = "Reference: 14 switches off"
    room = metrics.horizontalAdvance(whole)
    found = [name_that_fits("Reference", "14 switches off", r, metrics) for r in (room, room - 1)]
    assert found[0] == whole
    assert found[1].startswith("Reference: 14")
    assert metrics.horizontalAdvance(found[1]) < room
    title = metrics.horizontalAdvance("Reference")
    assert name_that_fits("Reference", "14 switches off", title, metrics) == "Reference"
    assert name_that_fits("Reference", "14 switches off", 5, metrics) == ""
    assert name_that_fits("Reference", "", title, metrics) == "Reference"


def test_names_go_with_the_line(window, split):
    window.video.view.set_frame(picture(640, 360))
    window.actions_["split"].trigger()
    assert not any(name.isVisible() for name in split.sides)


def test_the_tag_of_the_baseline_stands_below_the_names(window, split):
    window.video.view.set_frame(picture(640, 360))
    window.model.hold_baseline(held=True)
    assert split.held.isVisible()
    for name in split.sides:
        assert not split.held.geometry().intersects(name.geometry())
    window.model.hold_baseline(held=False)


def test_without_a_reference_the_left_side_says_so(window, session, qtbot):
    window.actions_["split"].trigger()
    marks = window.lab_parts.marks
    qtbot.waitUntil(lambda: marks.sides[0].text() == f"{SIDES[0]}: loading a second network")
    session.lab.reading = session.lab.reading.__class__(badge=Badge.UNAVAILABLE, reason="No fp16.")
    qtbot.waitUntil(lambda: marks.sides[0].text() == f"{SIDES[0]}: there is none here")
    assert marks.sides[1].text() == SIDES[1]


def test_a_difference_in_plain_words():
    assert plain_difference(BASELINE, BASELINE) == ("the same settings",) * 2
    one = toggle_of("roi_masks").label
    assert plain_difference(BASELINE, BASELINE.set("roi_masks", "on")) == (
        f"{one} off",
        f"{one} on",
    )
    depth = toggle_of("depth").label
    assert plain_difference(Optimizations(), Optimizations(depth=3)) == (
        f"{depth} {Optimizations().depth}",
        f"{depth} 3",
    )
    mixed = BASELINE.set("roi_masks", "on"), BASELINE.set("limit_masks", "on").set("depth", "3")
    assert plain_difference(*mixed) == ("1 switch on, 2 off", "2 switches on, 1 off")
    off, on = plain_difference(BASELINE, Optimizations())
    assert off.endswith("switches off")
    assert on.endswith("switches on")
