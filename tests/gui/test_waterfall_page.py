"""The waterfall page: its bars, its ceilings, and the choice of toggles."""

import pytest
from PySide6.QtGui import QGuiApplication

from rfviewer.experiment import CeilingsRequest
from rfviewer.optimizations import Optimizations, toggle_of
from tests.gui.fake_session import WORK_ON_CPU
from tests.gui.lab_pages import open_waterfall


def test_the_waterfall_leads_from_the_baseline_down(window, session, qtbot):
    page = open_waterfall(window, qtbot)
    window.actions_["run_waterfall"].trigger()
    qtbot.waitUntil(lambda: window.lab.running is None)
    result = window.lab.status.result
    bars = page.bars.bars
    assert (bars[0].kind, bars[0].end) == ("total", result.whole.a)
    level = result.whole.a
    for bar, step in zip(bars[1:-2], result.steps, strict=True):
        assert bar.start == pytest.approx(level)
        level += step.cumulative.difference
        assert bar.end == pytest.approx(level)
        assert bar.whisker.low < bar.end < bar.whisker.high
    assert bars[-2].end == result.whole.b
    assert bars[-1].end - bars[-1].start == pytest.approx(result.interaction)
    names = [page.bars.texts[row][0] for row in range(1, len(bars) - 2)]
    assert names == [toggle_of(step.name).label for step in result.steps]
    rows = window.panel.rack.rows
    assert rows["limit_masks"].effect_text.startswith("saves")
    page.copy_text()
    assert "interaction" in QGuiApplication.clipboard().text()


def test_ceilings_name_the_bound_and_stand_as_lines(window, session, qtbot):
    page = open_waterfall(window, qtbot)
    assert page.ceilings.verdict.text().endswith(
        "Measure to see how fast each part could go alone."
    )
    page.limits_button.click()
    assert isinstance(session.asked("start_lab")[-1][0], CeilingsRequest)
    qtbot.waitUntil(lambda: page.ceilings.bound.text() == "Network-bound")
    assert page.bars.lines == []
    window.actions_["run_waterfall"].trigger()
    qtbot.waitUntil(lambda: page.bars.lines != [])
    names = [name for _, name in page.bars.lines]
    assert "bare network" in names
    assert all(ms >= page.bars.axis.low for ms, _ in page.bars.lines)
    texts = [row[1].text() for row in page.ceilings.rows]
    assert "not measured" in texts


@pytest.mark.usefixtures("settles_soon")
def test_what_binds_right_now_stands_there_until_it_is_measured(window, qtbot):
    page = open_waterfall(window, qtbot)
    shown = page.ceilings
    qtbot.waitUntil(lambda: shown.bound.text().endswith("-bound right now"))
    assert shown.verdict.text().endswith("Measure to see how fast each part could go alone.")
    page.limits_button.click()
    qtbot.waitUntil(lambda: shown.bound.text() == "Network-bound")
    shown.show_live(None)
    assert shown.bound.text() == "Network-bound"


def test_the_waterfall_of_a_baseline_goes_to_all_on(window, session, qtbot):
    page = open_waterfall(window, qtbot)
    window.model.set_optimizations(Optimizations.baseline())
    assert page.request.target == Optimizations()


def test_a_waterfall_of_the_ticked_toggles(window, session, qtbot):
    page = open_waterfall(window, qtbot)
    qtbot.waitUntil(lambda: set(page.choice._able) == WORK_ON_CPU)
    assert page.choice.text() == "All toggles"
    assert page.request.names == ()
    for name, box in page.choice.boxes.items():
        box.setChecked(name in {"limit_masks", "roi_render"})
    assert page.choice.text() == f"2 of {len(WORK_ON_CPU)} toggles"
    page.run()
    assert session.asked("start_lab")[-1][0].names == ("limit_masks", "roi_render")
    window.lab.stop()
    for box in page.choice.boxes.values():
        box.setChecked(False)
    qtbot.waitUntil(lambda: not page.run_button.isEnabled())
