"""Ways to the pages of the lab, for their tests."""

from rfviewer.gui.lab_parts import AB, WATERFALL


def open_ab(window, qtbot):
    window.actions_["page_ab"].trigger()
    qtbot.waitUntil(lambda: window.lab.can_run)
    return window.lab_parts.strip.page(AB)


def open_waterfall(window, qtbot):
    window.actions_["page_waterfall"].trigger()
    qtbot.waitUntil(lambda: window.lab.can_run)
    return window.lab_parts.strip.page(WATERFALL)


def run(window, page, qtbot):
    page.run()
    qtbot.waitUntil(lambda: window.lab.running is None)
