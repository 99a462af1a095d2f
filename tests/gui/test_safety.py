"""After a crash: recordings are offered, reports written, safe mode offered once."""

import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rfviewer.errors import SinkError
from rfviewer.gui.safety_services import Leftover, SafetyServices
from rfviewer.safe_mode import safe_settings
from rfviewer.snapshot import EnginePhase, EngineStatus, PlayState

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


class Past:
    """What the last run left, and what was asked for."""

    def __init__(self, *names: str) -> None:
        self.left = [
            Leftover(
                Path(f"/videos/{name}.partial.mp4"),
                Path(f"/videos/{name}.mp4"),
                63.4,
                5_000_000,
                datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
            )
            for name in names
        ]
        self.asked: list[tuple[str, Path]] = []
        self.reports: list[tuple[Path | None, str]] = []
        self.fails = ""

    def services(self, **changes: object) -> SafetyServices:
        def recover(leftover: Leftover) -> str:
            self.asked.append(("recover", leftover.path))
            if self.fails:
                raise SinkError(self.fails)
            return f"Saved as {leftover.target}, 63.4 s"

        def save_report(path: Path | None, happened: str, _snapshot: object) -> Path:
            self.reports.append((path, happened))
            return path or Path("/log/crash.txt")

        return replace(
            SafetyServices(
                find_leftovers=lambda: self.left,
                recover=recover,
                keep=lambda leftover: self.asked.append(("keep", leftover.path)),
                delete=lambda leftover: self.asked.append(("delete", leftover.path)),
                save_report=save_report,
            ),
            **changes,
        )


@pytest.fixture
def begin(make_window, session, qtbot):
    def begin(past: Past, **changes: object):
        window = make_window(session, safety=past.services(**changes))
        qtbot.waitUntil(lambda: window.model.snapshot is not None)
        window.safety.begin()
        return window

    return begin


def test_a_cut_off_recording_is_offered_and_recovered(begin, qtbot) -> None:
    past = Past("street")
    window = begin(past)
    qtbot.waitUntil(lambda: window.safety.recovery.dialog is not None)
    dialog = window.safety.recovery.dialog
    assert dialog.isVisible()
    assert not dialog.isModal()
    (row,) = dialog.rows
    assert row.outcome.text().startswith("1:03 long, 5.0 MB, ")
    row.recover_button.click()
    qtbot.waitUntil(lambda: row.done)
    assert row.outcome.text() == "Saved as /videos/street.mp4, 63.4 s"
    assert past.asked == [("recover", Path("/videos/street.partial.mp4"))]
    assert not row.delete_button.isVisible()
    assert dialog.later.text() == "Close"


def test_deleting_asks_once_more_and_keeping_keeps(begin, qtbot) -> None:
    past = Past("a", "b")
    window = begin(past)
    qtbot.waitUntil(lambda: window.safety.recovery.dialog is not None)
    first, second = window.safety.recovery.dialog.rows
    first.delete_button.click()
    assert past.asked == []
    assert first.delete_button.text() == "Really delete?"
    first.delete_button.click()
    second.keep_button.click()
    qtbot.waitUntil(lambda: first.done and second.done)
    assert past.asked == [
        ("delete", Path("/videos/a.partial.mp4")),
        ("keep", Path("/videos/b.partial.mp4")),
    ]


def test_a_recovery_that_fails_says_why_and_can_be_tried_again(begin, qtbot) -> None:
    past = Past("a", "b")
    past.fails = "The disk is full; free some space."
    window = begin(past)
    qtbot.waitUntil(lambda: window.safety.recovery.dialog is not None)
    dialog = window.safety.recovery.dialog
    dialog.all.click()
    qtbot.waitUntil(lambda: all(row.outcome.text() == past.fails for row in dialog.rows))
    assert all(row.recover_button.isEnabled() for row in dialog.rows)
    past.fails = ""
    dialog.all.click()
    qtbot.waitUntil(lambda: all(row.done for row in dialog.rows))


def test_nothing_left_behind_shows_nothing_but_an_answer_when_asked(begin, qtbot) -> None:
    window = begin(Past())
    assert window.safety.recovery.dialog is None
    assert not window.banner.isVisible()
    window.actions_["recover"].trigger()
    qtbot.waitUntil(lambda: window.status.state_text == "No recording was cut off.")


def test_after_an_unclean_end_safe_mode_is_offered(begin, session) -> None:
    window = begin(Past(), ended_badly=True, safe_settings=safe_settings())
    assert window.banner.isVisible()
    assert "did not end properly" in window.banner.sentence.text()
    assert window.banner.button.text() == "Go on in safe mode"
    window.banner.button.click()
    assert session.asked("set_engine")[-1][0] == safe_settings().engine
    assert session.asked("set_optimizations")[-1][0] == safe_settings().optimizations
    assert not window.banner.isVisible()


def test_in_safe_mode_it_is_not_offered_again(begin) -> None:
    window = begin(Past(), ended_badly=True, safe_settings=None)
    assert window.banner.button.text() == "Save report…"


@pytest.mark.parametrize("where", ["slot", "thread"])
def test_an_uncaught_error_is_told_once_and_reported(begin, qtbot, where) -> None:
    past = Past()
    window = begin(past)

    def fail() -> None:
        raise ValueError("a fault nobody thought of")

    def hook() -> None:
        try:
            fail()
        except ValueError as error:
            if where == "slot":
                sys.excepthook(ValueError, error, error.__traceback__)
            else:
                args = (ValueError, error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(args))

    with window.safety.watching():
        hook()
        hook()
        qtbot.waitUntil(lambda: bool(past.reports))
    assert window.banner.sentence.text() == (
        "Something went wrong in the window (ValueError); see the log."
    )
    ((path, happened),) = past.reports
    assert path is None
    assert "a fault nobody thought of" in happened
    assert "in fail" in happened
    assert window.isVisible()


def test_a_dead_engine_process_is_reported_once(begin, session, qtbot) -> None:
    past = Past()
    window = begin(past)
    window.poller.stop()
    sentence = "The engine process ended unexpectedly (killed by SIGSEGV); press Restart."
    dead = replace(
        session.poll(),
        state=PlayState.FAILED,
        error=sentence,
        engine=EngineStatus(EnginePhase.FAILED, sentence),
    )
    window.model.apply(dead)
    window.model.apply(dead)
    qtbot.waitUntil(lambda: window.status.state_text == "A report about it is in /log/crash.txt")
    assert past.reports == [(None, sentence)]


def test_a_report_can_be_asked_for(begin, tmp_path, qtbot) -> None:
    past = Past()
    window = begin(past)
    window.safety.reports.save(tmp_path / "r.txt")
    qtbot.waitUntil(lambda: bool(past.reports))
    assert past.reports[0][0] == tmp_path / "r.txt"
