"""The lab of a window: its models, the strip with its pages, the badge, the marks on the video."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QPushButton, QWidget

from rfviewer.experiment import LabRequest
from rfviewer.gui.ab_page import AbPage
from rfviewer.gui.actions import ActionRegistry
from rfviewer.gui.background import Background
from rfviewer.gui.bound_meter import BoundMeter
from rfviewer.gui.focus import ControlManners
from rfviewer.gui.hold_key import HoldKey
from rfviewer.gui.lab_command import lab_command
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.lab_outputs import LabOutputs
from rfviewer.gui.latency_data import LatencyBook
from rfviewer.gui.layout import WindowLayout
from rfviewer.gui.live import LiveView
from rfviewer.gui.outputs import Outputs
from rfviewer.gui.parity_badge import ParityBadge
from rfviewer.gui.parity_dialog import ParityDialog
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.rates import Rates
from rfviewer.gui.reference_cost import ReferenceCost
from rfviewer.gui.services import WindowServices
from rfviewer.gui.strip import BottomStrip
from rfviewer.gui.timeline_data import SpanStore
from rfviewer.gui.timeline_page import TimelinePage
from rfviewer.gui.video_marks import VideoMarks
from rfviewer.gui.video_view import VideoView
from rfviewer.gui.waterfall_page import WaterfallPage
from rfviewer.snapshot import Snapshot

PLOTS, TIMELINE, LATENCY, AB, WATERFALL = "plots", "timeline", "latency", "ab", "waterfall"
_GOES_ON = "The comparison goes on when the split line is taken away."
_STAYS = "The split line still needs the comparison; both end with the line."
_BOUND_EVERY = 8
"""Snapshots between two words on what binds: often enough, and calm to read."""


class LabParts(QObject):
    """Makes the lab's parts and feeds them. The data is kept from the start, pages come later."""

    def __init__(
        self,
        window: QMainWindow,
        *,
        lab: LabModel,
        actions: ActionRegistry,
        services: WindowServices,
        preferences: Preferences,
        background: Background,
        outputs: Outputs,
        view: VideoView,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._model = model = lab.model
        self._actions = actions
        self._services = services
        self._background = background
        self._manners = ControlManners(window)
        self._hold = HoldKey(window, model)
        self._layout: WindowLayout | None = None
        self._live: LiveView | None = None
        self.lab = lab
        self.spans = SpanStore()
        self.latency = LatencyBook()
        self._cost = ReferenceCost(self._tell)
        self._bound = BoundMeter(self.spans)
        self._snapshots = 0
        self.files = LabOutputs(
            window,
            model=model,
            lab=lab,
            outputs=outputs,
            services=services,
            preferences=preferences,
            background=background,
        )
        self.badge = ParityBadge(model, lab)
        self.badge.details_wanted.connect(self.show_parity)
        self.badge.flipped.connect(self._on_flipped)
        self.marks = VideoMarks(view, model, lab)
        self.strip = BottomStrip()
        view.on_painted = self.latency.painted
        model.snapshot_changed.connect(self._on_snapshot)
        model.source_requested.connect(self._on_source)
        lab.changed.connect(self._on_lab)
        lab.watch_changed.connect(self._on_watch)
        lab.parity_changed.connect(lambda reading: self._cost.reading(reading, model.snapshot))
        self._on_lab()
        self._connect(actions)

    def fill_strip(self, plots: QWidget, layout: WindowLayout, live: LiveView) -> None:
        """Put the pages into the strip, once the plots are there."""
        self._layout, self._live = layout, live
        self.files.notice.connect(live.show_notice)
        live.applied.connect(lambda snapshot, rates: self._on_rates(live, snapshot, rates))
        strip = self.strip
        strip.page_built.connect(self._manners.teach)
        strip.add_page(PLOTS, "Plots", lambda: plots)
        strip.add_page(TIMELINE, "Timeline", self._make_timeline)
        strip.add_page(LATENCY, "Latency", self._make_latency)
        strip.add_page(AB, "A/B", self._make_ab)
        strip.add_page(WATERFALL, "Waterfall", self._make_waterfall)
        strip.page(LATENCY)  # drawn by pyqtgraph: built now, while nothing plays yet

    def show_page(self, name: str) -> None:
        """Bring a page to the front; the strip is unfolded if need be."""
        if self._layout is not None:
            self._layout.set_plots_visible(visible=True)
            self.strip.show_page(name)

    def run_ab(self) -> None:
        """Measure what the A/B page is set to, and show that page."""
        self.show_page(AB)
        page = self.strip.built(AB)
        if isinstance(page, AbPage):
            page.run()

    def run_waterfall(self) -> None:
        """Measure the waterfall, and show its page."""
        page = self._waterfall()
        if page is not None:
            page.run()

    def run_ceilings(self) -> None:
        """Measure the ceilings, and show the waterfall's page."""
        page = self._waterfall()
        if page is not None:
            page.run_ceilings()

    def show_parity(self) -> None:
        """Show figures and worst frame of the live comparison."""
        ParityDialog(self.lab, self._background, self._window).open()

    def command(self, request: LabRequest) -> str:
        """Return the command line of an experiment on the open source."""
        model = self._model
        return lab_command(request, model.settings, model.source_uri, self._services.command_for)

    def _connect(self, actions: ActionRegistry) -> None:
        actions.connect_all(
            {
                "page_ab": lambda: self.show_page(AB),
                "page_waterfall": lambda: self.show_page(WATERFALL),
                "page_timeline": lambda: self.show_page(TIMELINE),
                "page_latency": lambda: self.show_page(LATENCY),
                "run_ab": self.run_ab,
                "run_waterfall": self.run_waterfall,
                "run_ceilings": self.run_ceilings,
                "stop_lab": self.lab.stop,
                "parity": self.badge.flip,
                "parity_details": self.show_parity,
                "split": lambda: self.marks.set_split(on=actions["split"].isChecked()),
                "freeze": self._on_freeze,
                "export_trace": self.files.export_trace,
                "save_report": self.files.save_report,
                "save_replay": self.files.save_replay,
            }
        )
        self._model.view_changed.connect(
            lambda view: actions.set_checked("split", checked=view.split is not None)
        )

    def _waterfall(self) -> WaterfallPage | None:
        self.show_page(WATERFALL)
        page = self.strip.built(WATERFALL)
        return page if isinstance(page, WaterfallPage) else None

    def _make_ab(self) -> QWidget:
        page = AbPage(self._model, self.lab, self.command)
        page.notice.connect(self.files.notice)
        return page

    def _make_waterfall(self) -> QWidget:
        page = WaterfallPage(self._model, self.lab, self.command)
        page.notice.connect(self.files.notice)
        return page

    def _make_timeline(self) -> QWidget:
        page = TimelinePage(self.spans)
        page.ribbon.frozen_changed.connect(
            lambda frozen: self._actions.set_checked("freeze", checked=frozen)
        )
        for name in ("export_trace", "save_report"):
            button = QPushButton(self._actions[name].text())
            button.setToolTip(self._actions[name].toolTip())
            button.clicked.connect(self._actions[name].trigger)
            page.add_button(button)
        return page

    def _make_latency(self) -> QWidget:
        # Imported here: it draws with pyqtgraph, which the first paint must not wait for.
        from rfviewer.gui.latency_page import LatencyPage

        return LatencyPage(self.latency)

    def _on_freeze(self) -> None:
        wanted = self._actions["freeze"].isChecked()
        self.show_page(TIMELINE)
        page = self.strip.built(TIMELINE)
        if isinstance(page, TimelinePage):
            page.ribbon.set_frozen(frozen=wanted)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.spans.add(snapshot.samples)
        self.latency.add(snapshot)
        self.files.add(snapshot)
        timeline = self.strip.built(TIMELINE)
        if isinstance(timeline, TimelinePage):
            timeline.apply(snapshot)
        self._on_lab()

    def _on_rates(self, live: LiveView, snapshot: Snapshot, rates: Rates) -> None:
        # Imported here: it draws with pyqtgraph, which the first paint must not wait for.
        from rfviewer.gui.latency_page import LatencyPage

        latency = self.strip.built(LATENCY)
        if isinstance(latency, LatencyPage):
            latency.apply(snapshot, rates)
        self._show_bound(live, snapshot)

    def _show_bound(self, live: LiveView, snapshot: Snapshot) -> None:
        """Tell now and then what binds the live video."""
        self._snapshots += 1
        found = self._bound.read(snapshot, live.displayed_fps, self._screen_hz())
        if self._snapshots % _BOUND_EVERY == 0 or found is None:
            live.show_bound(found)
            page = self.strip.built(WATERFALL)
            if isinstance(page, WaterfallPage):
                page.ceilings.show_live(found)

    def _screen_hz(self) -> float | None:
        return self._window.screen().refreshRate() or None

    def _on_source(self, _uri: str) -> None:
        self.spans.clear()
        self.latency.clear()
        self.files.clear()

    def _on_lab(self) -> None:
        running = self.lab.running is not None
        for name in ("run_ab", "run_waterfall", "run_ceilings"):
            self._actions[name].setEnabled(not running and self.lab.can_run)
        self._actions["stop_lab"].setEnabled(running)

    def _on_flipped(self) -> None:
        if self._model.view.split is not None:  # nothing changes that one could see
            self._tell(_GOES_ON if self.lab.compares else _STAYS)

    def _on_watch(self) -> None:
        self._actions.set_checked("parity", checked=self.lab.compares)
        self._actions["parity_details"].setEnabled(self.lab.watch is not None)
        self._cost.watch_changed(self.lab.watch, self._model.snapshot)

    def _tell(self, sentence: str) -> None:
        if self._live is not None:
            self._live.show_notice("info", sentence)
