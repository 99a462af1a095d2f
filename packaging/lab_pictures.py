"""Makes pictures of the window's A/B and waterfall pages from measured results, in both themes.

    QT_QPA_PLATFORM=offscreen python packaging/lab_pictures.py RESULT.json [docs/images]

RESULT.json is what `rfviewer ab --json` or `rfviewer ab --waterfall --json` printed, or a file of
the GPU suite with the parts `ab` and `waterfall`. Writes lab-ab-{dark,light}.png and
lab-waterfall-{dark,light}.png, of those results that the file holds. The pages are the real ones;
ceilings, which these files do not hold, are left out.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget

from rfviewer.config import EngineConfig, Playback, Policy, ResizeMode, Settings, View
from rfviewer.errors import RfviewerError
from rfviewer.experiment import AbRequest, AbResult, LabStatus, WaterfallRequest, WaterfallResult
from rfviewer.frame import SourceInfo, SourceKind
from rfviewer.gui.ab_page import AbPage
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.model import SessionModel
from rfviewer.gui.theme import ThemeChoice, ThemeController
from rfviewer.gui.waterfall_page import WaterfallPage
from rfviewer.lab.record import read_outcome
from rfviewer.optimizations import Optimizations, off_value, toggle_names
from rfviewer.result import EngineInfo, ToggleState
from rfviewer.snapshot import EnginePhase, EngineStatus, PlayState, Snapshot

if TYPE_CHECKING:
    from rfviewer.session.interface import Session

WIDTH_PX, LEAST_PX, MOST_PX = 1063, 308, 1200
NAMES = {AbResult: "ab", WaterfallResult: "waterfall"}


def records(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the results in a file of either kind."""
    parts = [report[name] for name in ("ab", "waterfall") if name in report]
    return parts or [report]


def main(words: list[str]) -> list[Path]:
    """Make the pictures and return where they lie."""
    source = Path(words[0])
    folder = Path(words[1] if len(words) > 1 else "docs/images")
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    written = []
    for theme in (ThemeChoice.DARK, ThemeChoice.LIGHT):
        controller = ThemeController(app, theme, app)
        for record in records(json.loads(source.read_text(encoding="utf-8"))):
            request, result = read_outcome(record)
            page = page_of(record, request, result)
            path = folder / f"lab-{NAMES[type(result)]}-{controller.choice}.png"
            image = page.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
            if not image.save(str(path), quality=0):  # the smallest file; PNG loses nothing
                raise RfviewerError(f"{path} cannot be written; choose another folder.")
            written.append(path)
            page.close()
    return written


def page_of(
    record: Mapping[str, Any],
    request: AbRequest | WaterfallRequest,
    result: AbResult | WaterfallResult,
) -> QWidget:
    """Return the page that shows `result`, as high as it needs."""
    wanted = result.b if isinstance(result, AbResult) else cast("WaterfallRequest", request).target
    # Nothing is asked of a session: the pages only show what is there.
    model = SessionModel(cast("Session", None), Settings(optimizations=wanted))
    lab = LabModel(model)
    page: AbPage | WaterfallPage
    if isinstance(result, AbResult):
        page = AbPage(model, lab, lambda _: "")
        page.picker.choose(result.a, result.b)
    else:
        page = WaterfallPage(model, lab, lambda _: "")
    model.apply(snapshot_of(record, wanted))
    lab.results[type(request)] = LabStatus(request, active=False, result=result)
    lab.changed.emit()
    page.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    page.resize(WIDTH_PX, LEAST_PX)
    page.show()
    QApplication.processEvents()
    page.setFocus()  # no part of the page shows that it has the focus
    while page.height() < MOST_PX and _is_cut(page):
        page.resize(WIDTH_PX, page.height() + 4)
        QApplication.processEvents()
    if isinstance(page, WaterfallPage):
        for part in (page._limits, page._rule, page.limits_button):  # noqa: SLF001 - there are no ceilings to show
            part.hide()
        QApplication.processEvents()
    return page


def snapshot_of(record: Mapping[str, Any], wanted: Optimizations) -> Snapshot:
    """Return a session's state after that measurement: the engine and its toggles."""
    in_effect = {name: off_value(name) for name in toggle_names()} | record["toggles"]
    states = tuple(
        ToggleState(
            name,
            getattr(wanted, name),
            in_effect[name],
            available=in_effect[name] == getattr(wanted, name),
        )
        for name in toggle_names()
    )
    info = EngineInfo(
        model=record["model"],
        backend=record["backend"],
        backend_reason="",
        device=record["device"],
        precision=record["precision"],
        resize=ResizeMode.A,
        input_wh=(0, 0),
        class_names=(),
        has_masks=True,
        toggles=states,
    )
    return Snapshot(
        sequence=0,
        time_ns=0,
        state=PlayState.PAUSED,
        engine=EngineStatus(EnginePhase.READY, info=info),
        engine_config=EngineConfig(),
        optimizations=wanted,
        view=View(),
        playback=Playback(),
        policy=Policy.EVERY_FRAME,
        source=SourceInfo("", record["input"], SourceKind.FILE, 0, 0, 0.0, 0.0, 0, seekable=True),
    )


def _is_cut(page: AbPage | WaterfallPage) -> bool:
    """Whether some of the result has to be scrolled to."""
    areas = page.findChildren(QAbstractScrollArea)
    return any(area.isVisible() and area.verticalScrollBar().maximum() > 0 for area in areas)


if __name__ == "__main__":
    try:
        made = main(sys.argv[1:])
    except RfviewerError as error:
        sys.exit(str(error))
    print(*made, sep="\n")
