"""No name that comes from outside is ever read as HTML: labels, tooltips, boxes, menus."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget

from rfviewer.frame import SourceInfo, SourceKind
from rfviewer.gui.banner import Banner
from rfviewer.gui.safety_services import Leftover, SafetyServices
from rfviewer.snapshot import PlayState

GUI = Path(__file__).parents[2] / "rfviewer" / "gui"
HOSTILE = "<b>bold</b><img src='file:///etc/passwd'><a href='http://127.0.0.1:18999/x'>x</a>"

_might_be_rich = re.compile(r"<[a-zA-Z/!]").search
"""Coarser than Qt.mightBeRichText, which this binding does not have."""

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def hostile_texts(root: QWidget) -> list[str]:
    """Return what below `root` would show `HOSTILE` as rich text."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        tip = widget.toolTip()
        if HOSTILE in tip and _might_be_rich(tip):
            found.append(f"tooltip of {widget!r}")
        if isinstance(widget, QLabel) and HOSTILE in widget.text():
            rich = widget.textFormat() is not Qt.TextFormat.PlainText
            if rich:
                found.append(f"text of {widget!r}")
    return found


def test_a_hostile_source_name_is_plain_everywhere(window, session) -> None:
    window.poller.stop()
    info = SourceInfo(
        HOSTILE, HOSTILE, SourceKind.FILE, 64, 48, 25.0, codec=HOSTILE, notice=HOSTILE
    )
    notices = (("info", HOSTILE), ("warning", HOSTILE), ("error", HOSTILE))
    for state in (PlayState.PLAYING, PlayState.FAILED):
        window.model.apply(
            replace(session.poll(), source=info, state=state, error=HOSTILE, notices=notices)
        )
        assert hostile_texts(window) == []
    labels = [label for label in window.findChildren(QLabel) if HOSTILE in label.text()]
    assert labels, "the test shows nothing"
    assert window.banner.sentence.text() == HOSTILE


def test_every_label_with_text_in_the_window_is_plain(window) -> None:
    rich = [
        label.text()
        for label in window.findChildren(QLabel)
        if label.text() and label.textFormat() is not Qt.TextFormat.PlainText
    ]
    assert rich == []


def test_a_hostile_recording_name_is_plain(make_window, session, qtbot) -> None:
    from datetime import UTC, datetime

    path = Path("/videos") / HOSTILE.replace("/", "_")
    left = [Leftover(path, path, 1.0, 1, datetime.now(UTC))]
    window = make_window(session, safety=SafetyServices(find_leftovers=lambda: left))
    window.safety.begin()
    qtbot.waitUntil(lambda: window.safety.recovery.dialog is not None)
    dialog = window.safety.recovery.dialog
    for label in dialog.findChildren(QLabel):
        assert label.textFormat() is Qt.TextFormat.PlainText
    assert "<b>" not in dialog.rows[0].name.toolTip()


def test_the_banner_is_plain(qtbot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_message("x", HOSTILE)
    assert hostile_texts(banner) == []


def test_boxes_show_escaped_text(window, qtbot) -> None:
    window.actions_["about"].trigger()
    boxes = window.findChildren(QMessageBox)
    assert boxes
    for box in boxes:
        plain = box.textFormat() is Qt.TextFormat.PlainText
        assert plain or not _might_be_rich(box.text()) or box.text().count("<") <= 4, box.text()
        box.close()


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) == name or getattr(node.func, "attr", None) == name)
    ]


@pytest.mark.parametrize("path", sorted(GUI.glob("*.py")), ids=lambda path: path.name)
def test_no_label_is_made_with_a_text(path) -> None:
    """`controls.label` makes plain ones; a QLabel with a text would guess its format."""
    tree = ast.parse(path.read_text())
    assert [call.lineno for call in _calls(tree, "QLabel") if call.args] == []


@pytest.mark.parametrize("path", sorted(GUI.parent.rglob("*.py")), ids=lambda path: path.stem)
def test_programs_are_started_by_lists_of_arguments_only(path) -> None:
    tree = ast.parse(path.read_text())
    for name in ("run", "Popen", "call", "check_call", "check_output"):
        for call in _calls(tree, name):
            shells = [keyword for keyword in call.keywords if keyword.arg == "shell"]
            assert shells == [], f"{path}:{call.lineno}"
    for name in ("system", "popen", "getoutput"):
        owners = [getattr(call.func, "value", None) for call in _calls(tree, name)]
        assert [owner for owner in owners if getattr(owner, "id", "") in ("os", "subprocess")] == []
