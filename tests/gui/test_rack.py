from dataclasses import fields, replace

import pytest

from rfviewer.gui.controls import Segments, Switch
from rfviewer.gui.rack_row import RackRow
from rfviewer.gui.theme import ThemeChoice
from rfviewer.optimizations import Optimizations, toggle_of
from rfviewer.result import ToggleState
from rfviewer.snapshot import EnginePhase
from tests.gui.fake_session import WORK_ON_CPU, FakeSession


def test_one_row_per_field_with_its_label(window):
    rack = window.panel.rack
    assert list(rack.rows) == [spec.name for spec in fields(Optimizations)]
    for name, row in rack.rows.items():
        kind = Segments if toggle_of(name).choices else Switch
        assert isinstance(row.focus_target, kind)
        assert row.focus_target.accessibleName() == toggle_of(name).label


def test_what_works_comes_first_and_the_rest_is_folded(window, qtbot):
    rack = window.panel.rack
    qtbot.waitUntil(lambda: set(rack.order) == WORK_ON_CPU)
    blocked = len(rack.rows) - len(WORK_ON_CPU)
    assert not rack.blocked_group.isHidden()
    assert not rack.blocked_group.is_open
    assert rack.rows["cuda_graph"].state_word == "not here"
    assert rack.rows["cuda_graph"].note == "needs an NVIDIA GPU"
    assert rack.rows["roi_render"].state_word == "on"
    titles = [button.text() for button in rack.blocked_group.findChildren(object) if
              hasattr(button, "text") and "NVIDIA" in str(button.text())]  # fmt: skip
    assert f" {blocked} need an NVIDIA GPU" in titles


def test_a_gpu_that_is_too_old_is_not_said_to_be_missing(make_window, qtbot):
    session = FakeSession(gpu=True)
    window = make_window(session)
    rack = window.panel.rack
    qtbot.waitUntil(lambda: len(rack.order) == 9)
    window.poller.stop()
    snapshot = window.model.snapshot
    info = snapshot.engine.info
    reason = "needs compute capability 9.0, this GPU has 8.6"
    toggles = tuple(
        replace(state, effective=False, reason=reason, available=False)
        if state.name == "dependent_launch"
        else state
        for state in info.toggles
    )
    engine = replace(snapshot.engine, info=replace(info, toggles=toggles))
    window.model.apply(replace(snapshot, engine=engine))
    assert rack.rows["dependent_launch"].note == reason
    assert rack.blocked_group._head.accessibleName() == "1 cannot run here"


def test_what_waits_for_another_switch_is_not_said_to_be_impossible(window, qtbot):
    rack = window.panel.rack
    qtbot.waitUntil(lambda: set(rack.order) == WORK_ON_CPU)
    part, reason = rack.rows["planar_stores"], "part of the fused preprocess"
    part.set_state(ToggleState(part.name, True, effective=False, reason=reason))
    assert (part.state_word, part.note) == ("not now", reason)


def test_the_heading_counts_what_is_in_effect(window, session, qtbot):
    rack = window.panel.rack
    count, blocked = len(rack.rows), len(rack.rows) - len(WORK_ON_CPU)
    works = len(WORK_ON_CPU)
    qtbot.waitUntil(lambda: rack._summary.text() == f"{works} of {count} in effect")
    sentence, *groups = rack._head.accessibleDescription().split("\n\n")
    assert sentence == f"{works} of {count} in effect; {blocked} cannot run here"
    listed = {group.split(": ")[0]: group.split(": ")[1].split(", ") for group in groups}
    assert set(listed["In effect"]) == {toggle_of(name).label for name in WORK_ON_CPU}
    assert len(listed["Cannot run here"]) == blocked
    assert "Off" not in listed
    window.model.set_toggle("roi_masks", value=False)
    qtbot.waitUntil(lambda: rack._summary.text() == f"{works - 1} of {count} in effect")
    assert f"Off: {toggle_of('roi_masks').label}" in rack._head.accessibleDescription()


def test_nothing_is_counted_before_an_engine_has_told(make_window, qtbot):
    window = make_window(FakeSession(load_s=1000.0))
    qtbot.waitUntil(lambda: window.model.snapshot is not None)
    assert window.panel.rack._summary.text() == ""


@pytest.mark.parametrize("theme", [ThemeChoice.DARK, ThemeChoice.LIGHT])
def test_every_description_is_shown_whole_in_two_lines_at_most(make_window, qtbot, theme):
    window = make_window(FakeSession(gpu=True))
    window.theme.set_choice(theme)
    rack = window.panel.rack
    qtbot.waitUntil(lambda: rack.rows["cuda_graph"].state_word == "on")

    def lines(row):
        return row._note.heightForWidth(row._note.width()) / row._note.fontMetrics().lineSpacing()

    for name, row in rack.rows.items():
        assert row.note == toggle_of(name).why
        qtbot.waitUntil(lambda r=row: r._note.height() >= r._note.heightForWidth(r._note.width()))
        assert lines(row) <= 2.5, name
    narrow = RackRow("fused_network")  # whatever the font: not all of it fits into one line
    qtbot.addWidget(narrow)
    width = narrow.fontMetrics().horizontalAdvance(narrow.note) // 2
    narrow.setFixedSize(width, narrow.heightForWidth(width))
    narrow.show()
    qtbot.waitUntil(lambda: lines(narrow) > 1.5)
    qtbot.waitUntil(
        lambda: narrow._note.height() >= narrow._note.heightForWidth(narrow._note.width())
    )


def test_rows_stay_folded_when_they_are_switched_off(window, session, qtbot):
    rack = window.panel.rack
    qtbot.waitUntil(lambda: set(rack.order) == WORK_ON_CPU)
    window.model.flip_baseline()
    qtbot.waitUntil(lambda: rack.rows["roi_render"].state_word == "off")
    assert set(rack.order) == WORK_ON_CPU


def test_a_gpu_engine_has_every_row_in_front(make_window, qtbot):
    window = make_window(FakeSession(gpu=True))
    rack = window.panel.rack
    qtbot.waitUntil(lambda: rack.rows["cuda_graph"].state_word == "on")
    assert rack.blocked_group.isHidden()
    assert rack.order == list(rack.rows)[:9]


def test_a_switch_sends_the_whole_new_value(window, session):
    window.panel.rack.rows["roi_render"].focus_target.click()
    (sent,) = session.asked("set_optimizations")[-1]
    assert sent == Optimizations(roi_render=False)


def test_digits_flip_the_row_that_shows_them(window, session, qtbot):
    rack = window.panel.rack
    qtbot.waitUntil(lambda: len(rack.order) == len(WORK_ON_CPU))
    window.actions_["toggle_2"].trigger()
    assert getattr(session.asked("set_optimizations")[-1][0], rack.order[1]) is False
    count = len(session.calls)
    window.actions_["toggle_9"].trigger()
    assert len(session.calls) == count


def test_digits_flip_nothing_until_their_rows_are_known(make_window, qtbot):
    session = FakeSession(load_s=3600.0)
    window = make_window(session)
    rack = window.panel.rack
    qtbot.waitUntil(lambda: window.model.snapshot is not None)
    assert rack.order == []
    assert all(row._key.isHidden() for row in rack.rows.values())
    for digit in range(1, 10):
        qtbot.keyClick(window, str(digit))
        rack.flip(digit)
    assert session.asked("set_optimizations") == []
    session._load_s = 0.0
    qtbot.waitUntil(lambda: set(rack.order) == WORK_ON_CPU)
    assert [rack.rows[name]._key.text() for name in rack.order] == list("123456")
    before = rack.order
    session._load_s = 1e9  # another model: the rows keep their digits meanwhile
    qtbot.waitUntil(lambda: window.model.snapshot.engine.phase is EnginePhase.LOADING)
    assert rack.order == before
    window.actions_["toggle_1"].trigger()
    assert getattr(session.asked("set_optimizations")[-1][0], before[0]) is False


def test_depth_goes_to_the_next_choice(make_window, qtbot):
    session = FakeSession(gpu=True)
    window = make_window(session)
    window.model.flip_toggle("depth")
    assert session.asked("set_optimizations")[-1][0].depth == 3


def test_baseline_and_back(window, session):
    changed = Optimizations(roi_masks=False)
    window.model.set_optimizations(changed)
    window.actions_["baseline"].trigger()
    assert window.model.optimizations == Optimizations.baseline()
    window.actions_["baseline"].trigger()
    assert window.model.optimizations == changed
