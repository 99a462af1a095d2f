"""What holds for all pages of the lab, and what they leave in the rack."""

import shlex
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from rfviewer import ab_verb
from rfviewer.cli import _parser
from rfviewer.experiment import AbRequest, Effect, Interval, WaterfallRequest
from rfviewer.gui.lab_text import compact_notes, word_of
from rfviewer.optimizations import Optimizations
from tests.gui.fake_session import FakeSession


def test_the_command_line_understands_what_is_copied(window, qtbot):
    target = Optimizations(depth=3, roi_masks=False)
    for request in (
        AbRequest(a=Optimizations.baseline(), b=target),
        WaterfallRequest(target=target),
        WaterfallRequest(target=target, names=("roi_masks", "depth")),
    ):
        words = shlex.split(window.lab_parts.command(request))
        options = _parser("ab").parse_args([words[1] if len(words) < 3 else words[2], *words[3:]])
        assert ab_verb.request_of(options, Optimizations()) == request


def test_one_toggle_is_measured_from_its_row(window, session, qtbot):
    row = window.panel.rack.rows["limit_masks"]
    qtbot.waitUntil(lambda: row._measure.isEnabled())
    session.lab.hold = True
    row._measure.click()
    (request,) = session.asked("start_lab")[-1]
    assert request.a == window.model.optimizations.set("limit_masks", "off")
    assert request.b == window.model.optimizations
    assert row.effect_text.startswith("measuring")
    session.lab.hold = False
    qtbot.waitUntil(lambda: row.effect_text.startswith("saves"))
    assert "limit_masks" in window.lab.effects
    assert not window.panel.rack.rows["cuda_graph"]._measure.isEnabled()


def test_measuring_is_offered_only_where_a_switch_has_an_effect(window, qtbot):
    window.panel.rack.blocked_group._head.setChecked(True)
    rows = window.panel.rack.rows
    qtbot.waitUntil(lambda: not rows["limit_masks"]._measure.isHidden())
    qtbot.waitUntil(lambda: rows["kernel_timestamps"]._measure.isHidden())
    assert rows["kernel_timestamps"].note == "needs an NVIDIA GPU"


def test_no_effect_and_rates_in_the_rack(window, session, qtbot):
    rows = window.panel.rack.rows
    qtbot.waitUntil(lambda: window.lab.can_run)
    session.lab.saves["roi_masks"], before = 0.0, session.lab.saves["roi_masks"]
    try:
        window.lab.measure_toggle("roi_masks")
        qtbot.waitUntil(lambda: rows["roi_masks"].effect_text == "no effect")
    finally:
        session.lab.saves["roi_masks"] = before
    window.lab.measure_toggle("depth")
    qtbot.waitUntil(lambda: "fps" in rows["depth"].effect_text)
    window.model.update_engine(model="other")


def test_another_engine_forgets_the_figures(make_window, qtbot):
    session = FakeSession()
    window = make_window(session)
    qtbot.waitUntil(lambda: window.lab.can_run)
    window.lab.measure_toggle("limit_masks")
    qtbot.waitUntil(lambda: window.lab.effects != {})
    session.gpu = True
    qtbot.waitUntil(lambda: window.lab.effects == {})
    assert window.panel.rack.rows["limit_masks"].effect_text == ""


def test_pages_have_plain_labels_and_names(window, session, qtbot):
    for name in ("timeline", "latency", "ab", "waterfall"):
        window.lab_parts.show_page(name)
        page = window.lab_parts.strip.page(name)
        for label in page.findChildren(QLabel):
            assert label.textFormat() is Qt.TextFormat.PlainText or not label.text(), label.text()
        for widget in page.findChildren(object):
            policy = getattr(widget, "focusPolicy", None)
            if policy is None or not widget.isVisible() or widget.objectName().startswith("qt_"):
                continue
            if policy() & Qt.FocusPolicy.TabFocus:
                assert widget.accessibleName() or widget.text(), widget


def test_what_is_too_noisy_to_tell_is_not_called_equal():
    clear = Effect("infer", "ms", 20.0, 2.0, None, None, -18.0, Interval(-19, -17), False)
    assert word_of(clear) == "not sure"
    assert word_of(replace(clear, interval=Interval(-40, 4))) == "no effect"
    assert word_of(replace(clear, difference=-0.1, interval=Interval(-0.2, -0.05))) == "no effect"
    assert word_of(replace(clear, significant=True)) == "better"
    notes = [f"{name} makes no difference here: needs a GPU." for name in "abc"]
    assert compact_notes(["First.", *notes]) == [
        "First.",
        "No difference here (needs a GPU): a, b, c.",
    ]
