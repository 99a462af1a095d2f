"""The A/B page: choosing two sets, measuring them, and the result in all its states."""

import shlex
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QGuiApplication

from rfviewer.experiment import AbRequest
from rfviewer.gui.lab_parts import AB
from rfviewer.lab.describe import PAIRED
from rfviewer.optimizations import Optimizations
from rfviewer.parity_verb import parse_set
from tests.gui.fake_session import WORK_ON_CPU, FakeSession
from tests.gui.lab_pages import open_ab, run


def test_a_is_the_baseline_and_b_follows_what_is_set(window, session, qtbot):
    page = open_ab(window, qtbot)
    assert page.request == AbRequest(a=Optimizations.baseline(), b=window.model.optimizations)
    window.model.set_toggle("roi_render", value=False)
    assert page.request.b == Optimizations(roi_render=False)
    page.picker._controls["A", "roi_render"].click()
    assert page.request.a == Optimizations.baseline().set("roi_render", "on")
    assert page.picker._marks["roi_render"].text() == "\N{NOT EQUAL TO}"
    page.picker.choose(Optimizations(), Optimizations(depth=3))
    assert page.picker._buttons["A"].text() == "All on"
    assert page.picker._buttons["B"].text() == "2 differ from now"


def test_the_picker_leaves_out_what_cannot_run_here(window, qtbot):
    page = open_ab(window, qtbot)
    qtbot.waitUntil(lambda: page.picker._names["cuda_graph"].isHidden())
    assert shown_toggles(page.picker) == WORK_ON_CPU
    assert "more cannot run here" in page.picker._left_out.full_text


def shown_toggles(picker) -> set[str]:
    return {name for name, text in picker._names.items() if not text.isHidden()}


def test_a_switch_is_found_by_name_purpose_or_stage(make_window, qtbot):
    window = make_window(FakeSession(gpu=True))
    window.resize(1280, 800)
    picker = open_ab(window, qtbot).picker
    qtbot.waitUntil(lambda: picker.search.isVisible() and "cuda_graph" in shown_toggles(picker))
    able = shown_toggles(picker)
    qtbot.keyClicks(picker.search, "survivors")
    assert shown_toggles(picker) == {"limit_masks"}
    assert picker._left_out.full_text == f"{len(able) - 1} others"
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert window.focusWidget() is picker._controls["B", "limit_masks"]
    picker.search.setText("d2h COPY")
    assert shown_toggles(picker) == {"packed_masks", "fixed_copy"}
    qtbot.waitUntil(lambda: picker.area.verticalScrollBar().maximum() == 0)
    picker.search.setText("nothing of the kind")
    assert not shown_toggles(picker)
    assert picker._left_out.full_text == f"None of {len(able)} is found"
    qtbot.keyClick(picker.search, Qt.Key.Key_Escape)
    assert shown_toggles(picker) == able


def test_few_switches_need_no_search(window, qtbot):
    picker = open_ab(window, qtbot).picker
    qtbot.waitUntil(lambda: shown_toggles(picker) == WORK_ON_CPU)
    assert picker.search.isHidden()


def test_what_was_looked_for_hides_nothing_on_an_engine_with_few(make_window, qtbot):
    session = FakeSession(gpu=True)
    window = make_window(session)
    picker = open_ab(window, qtbot).picker
    qtbot.waitUntil(lambda: picker.search.isVisible())
    picker.search.setText("graph")
    session.gpu = False
    qtbot.waitUntil(lambda: shown_toggles(picker) == WORK_ON_CPU)


def test_while_it_runs_the_step_is_told_and_it_can_be_stopped(window, session, qtbot):
    page = open_ab(window, qtbot)
    session.lab.hold = True
    page.run()
    assert page.pages.currentWidget() is page.progress
    assert not page.run_button.isEnabled()
    assert not window.actions_["run_waterfall"].isEnabled()
    qtbot.waitUntil(lambda: page.progress.step.text().startswith("8 s of at most 24 s"))
    qtbot.waitUntil(lambda: window.lab.status.index == 8)
    time, interval = page.progress.step.text().split("  \N{MIDDLE DOT}  ")
    assert (time, interval) == ("8 s of at most 24 s", "B -0.4 to +6.9 % frames/s so far")
    page.progress.stop.click()
    assert session.asked("stop_lab") == [()]
    qtbot.waitUntil(lambda: window.lab.running is None)
    assert page.pages.currentWidget() is page.setup
    qtbot.waitUntil(page.run_button.isEnabled)


def test_a_result_is_a_sentence_a_table_and_marks(window, session, qtbot):
    page = open_ab(window, qtbot)
    run(window, page, qtbot)
    result = window.lab.status.result
    assert page.verdict.text() == result.verdict[:1].upper() + result.verdict[1:]
    assert f"{result.throughput.a:.1f}" in page.rate.text()
    model = page.table.model()
    rows = {model.data(model.index(row, 0)): row for row in range(model.rowCount())}
    assert list(rows) == [effect.quantity for effect in result.stages]
    post = rows["postprocess"]
    assert model.data(model.index(post, 3)).startswith("\N{MINUS SIGN}")
    assert model.data(model.index(post, 4)).startswith("better")
    interval = model.data(model.index(post, 5), Qt.ItemDataRole.AccessibleTextRole)
    assert "\N{HORIZONTAL ELLIPSIS}" in interval
    assert f"{result.blocks} blocks" in page.notes.text()


def test_the_picker_gives_way_to_the_result_and_comes_back(window, session, qtbot):
    page = open_ab(window, qtbot)
    assert page.pages.currentWidget() is page.setup
    assert page._back.isHidden()
    run(window, page, qtbot)
    assert page.pages.currentWidget() is page.result
    page.choose()
    assert page.pages.currentWidget() is page.setup
    page._back.click()
    assert page.pages.currentWidget() is page.result
    page.choose()
    run(window, page, qtbot)
    assert page.pages.currentWidget() is page.result


def test_equal_sets_have_no_effect_and_say_so(window, session, qtbot):
    page = open_ab(window, qtbot)
    page.picker.choose(None, None)
    assert "the same" in page._why_not.text()
    run(window, page, qtbot)
    assert page.verdict.text().startswith("No effect larger than the noise")
    words = {page.table.model().texts[row][4] for row in range(page.table.model().rowCount())}
    assert words == {"no effect \N{WHITE CIRCLE}"}


def test_what_went_wrong_is_told_in_place_of_a_result(window, session, qtbot):
    page = open_ab(window, qtbot)
    session.lab.error = "The engine failed after 3 rounds."
    run(window, page, qtbot)
    assert page.pages.currentWidget() is page.setup
    assert page.said.text() == "The engine failed after 3 rounds."


def test_a_request_without_an_answer_gives_the_buttons_back(window, session, qtbot, monkeypatch):
    page = open_ab(window, qtbot)
    monkeypatch.setattr("rfviewer.gui.lab_model.ANSWER_WITHIN_S", 0.0)
    session.lab.start = lambda _request: None
    page.run()
    qtbot.waitUntil(lambda: window.lab.running is None)
    assert page.run_button.isEnabled()


def test_nothing_is_measured_without_an_engine(make_window, qtbot):
    session = FakeSession(load_s=3600.0)
    window = make_window(session)
    window.actions_["page_ab"].trigger()
    page = window.lab_parts.strip.page(AB)
    qtbot.waitUntil(lambda: window.model.snapshot is not None)
    page.run()
    assert session.asked("start_lab") == []
    assert not page.run_button.isEnabled()
    assert "needs" in page._why_not.text()


def test_text_and_command_are_copied(window, session, qtbot):
    page = open_ab(window, qtbot)
    page.picker.choose(Optimizations.baseline().set("roi_masks", "on"), Optimizations(depth=3))
    run(window, page, qtbot)
    page.copy_text()
    text = QGuiApplication.clipboard().text()
    assert page.table.model().texts[0][0] in text
    page.copy_command()
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:3] == ["rfviewer", "ab", "/videos/street.mp4"]
    sets = dict(zip(words[3::2], words[4::2], strict=True))
    assert parse_set(sets["--a"], Optimizations()) == page.request.a
    assert parse_set(sets["--b"], Optimizations()) == page.request.b
    assert QGuiApplication.clipboard().text() in text


def test_a_result_names_its_own_sides(window, session, qtbot):
    page = open_ab(window, qtbot)
    window.lab.measure_toggle("roi_masks")
    qtbot.waitUntil(lambda: "roi_masks=off" in page.sides.text())
    assert page.sides.text() == "A  roi_masks=off\nB  roi_masks=on"
    assert PAIRED in page.notes.toolTip()


@pytest.mark.parametrize("share", [1.0, 2.0])
def test_names_of_toggles_are_whole_at_any_size_of_text(make_window, session, qapp, share):
    before = qapp.font()
    large = QFont(before)
    large.setPointSizeF(before.pointSizeF() * share)
    qapp.setFont(large)
    try:
        window = make_window(session)
        window.resize(int(1000 * share), 900)
        window.lab_parts.show_page("ab")
        page = window.lab_parts.strip.page("ab")
        qapp.processEvents()
        for shown in page.picker._names.values():
            needs = shown.fontMetrics().horizontalAdvance(shown.full_text)
            assert not shown.isVisible() or needs <= shown.width(), shown.full_text
    finally:
        qapp.setFont(before)


def test_a_throttled_result_says_what_was_left_out(window, session, qtbot):
    page = open_ab(window, qtbot)
    run(window, page, qtbot)
    status = window.lab.status
    result = replace(status.result, excluded=12, notes=("roi_masks makes no difference here.",))
    session.lab.status = replace(status, result=result)
    qtbot.waitUntil(lambda: "12 left out" in page.notes.text())
    assert "makes no difference" in page.notes.text()


def test_a_click_in_a_page_leaves_the_keyboard_to_the_video(window, session, qtbot):
    page = open_ab(window, qtbot)
    for control in page.picker._controls.values():
        assert not control.focusPolicy() & Qt.FocusPolicy.ClickFocus
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_too_few_rounds_are_told_in_the_headline(window, session, qtbot):
    page = open_ab(window, qtbot)
    run(window, page, qtbot)
    status = window.lab.status
    unsure = tuple(replace(effect, significant=False) for effect in status.result.stages)
    result = replace(
        status.result,
        stages=unsure,
        throughput=replace(status.result.throughput, significant=False),
        effect=False,
        verdict="no effect larger than the noise",
    )
    session.lab.status = replace(status, result=result)
    qtbot.waitUntil(lambda: page.verdict.text().endswith("too few rounds to be sure"))
    assert "not sure" in page.rate.text()
