"""The window's side of the lab: what runs, what came out, and what each toggle was found to do."""

import time

from PySide6.QtCore import QObject, Signal

from rfviewer.experiment import (
    AbRequest,
    AbResult,
    Badge,
    LabRequest,
    LabStatus,
    ParityReading,
    ParityWatch,
    WaterfallResult,
)
from rfviewer.gui.lab_text import ToggleEffect, effect_of_toggle, effects_of_waterfall
from rfviewer.gui.model import SessionModel
from rfviewer.optimizations import Optimizations, off_value, on_value
from rfviewer.snapshot import EnginePhase, Snapshot

ANSWER_WITHIN_S = 5.0
"""How long a request may go unanswered before the buttons come back."""


class LabModel(QObject):
    """Asks the session for experiments and keeps their last answers. GUI thread only.

    Signals:
        changed: what runs, or a result.
        effects_changed: the figures of the toggles.
        parity_changed: the newest `ParityReading`.
        watch_changed: the requested watch, or who asked for it.
    """

    changed = Signal()
    effects_changed = Signal()
    parity_changed = Signal(object)
    watch_changed = Signal()

    def __init__(self, model: SessionModel) -> None:
        super().__init__(model)
        self.model = model
        self.status: LabStatus | None = None
        """The experiment of the newest snapshot."""
        self.results: dict[type, LabStatus] = {}
        """The last finished or failed experiment of each kind of request."""
        self.effects: dict[str, ToggleEffect] = {}
        self.parity = ParityReading()
        self.watch: ParityWatch | None = None
        """The watch as requested; None when nobody needs it."""
        self.wanted_watch = ParityWatch()
        """What a watch compares with, and how often, the next time there is one."""
        self.compares = False
        """Whether the user asked for the comparison itself; the split line needs it on its own."""
        self._split = False
        self._watched = False
        """Whether the session has answered the watch."""
        self._asked: LabRequest | None = None
        self._asked_s = 0.0
        self._engine: object = None
        model.snapshot_changed.connect(self._on_snapshot)

    @property
    def running(self) -> LabRequest | None:
        """The experiment that runs or was just asked for."""
        if self._asked is not None:
            return self._asked
        return self.status.request if self.status is not None and self.status.active else None

    @property
    def measuring(self) -> str:
        """Name of the one toggle that is being measured; empty for none."""
        request = self.running
        if not isinstance(request, AbRequest):
            return ""
        names = [
            name
            for name in Optimizations.__dataclass_fields__
            if getattr(request.a, name) != getattr(request.b, name)
        ]
        return names[0] if len(names) == 1 else ""

    @property
    def can_run(self) -> bool:
        """Whether there is an engine and a source to measure with."""
        snapshot = self.model.snapshot
        return (
            snapshot is not None
            and snapshot.source is not None
            and snapshot.engine.phase is EnginePhase.READY
        )

    def remaining_s(self) -> float | None:
        """Return how long the running experiment still takes; None while that is unknown."""
        status = self.status
        if status is None or not status.active or not status.count or status.index < 2:
            return None
        passed = time.monotonic() - self._asked_s
        return passed / status.index * max(0, status.count - status.index)

    def run(self, request: LabRequest) -> None:
        """Start an experiment; the video stands still meanwhile."""
        if self.running is not None:
            return
        self._asked, self._asked_s = request, time.monotonic()
        self.model.session.start_lab(request)
        self.changed.emit()

    def stop(self) -> None:
        """Give up the running experiment."""
        self._asked = None
        self.model.session.stop_lab()
        self.changed.emit()

    def measure_toggle(self, name: str) -> None:
        """Compare the current settings without `name` (A) and with it (B)."""
        current = self.model.optimizations
        off, on = self.values_of(name)
        self.run(AbRequest(a=current.set(name, off), b=current.set(name, on)))

    def values_of(self, name: str) -> tuple[bool | int, bool | int]:
        """Return the values of `name` that count as off and on with the current settings."""
        off, on = off_value(name), getattr(self.model.optimizations, name)
        return off, on_value(name) if on == off else on

    def compare(self, *, on: bool) -> None:
        """Start the live comparison, or end it unless the split line needs it."""
        self.compares = on
        self._update_watch()

    def split(self, *, on: bool) -> None:
        """Note that the split line needs the comparison, or no longer does."""
        self._split = on
        self._update_watch()

    def set_wanted_watch(self, watch: ParityWatch) -> None:
        """Change what a watch compares with and how often, also of one that runs."""
        self.wanted_watch = watch
        self._update_watch()

    def _update_watch(self) -> None:
        watch = self.wanted_watch if self.compares or self._split else None
        if watch != self.watch:
            self.watch, self._watched = watch, False
            self.model.session.watch_parity(watch)
        self.watch_changed.emit()

    def result_of[T](self, kind: type[T]) -> T | None:
        """Return the last result of that kind."""
        for status in self.results.values():
            if isinstance(status.result, kind):
                return status.result
        return None

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._forget_with_engine(snapshot)
        if snapshot.parity != self.parity:
            self.parity = snapshot.parity
            self.parity_changed.emit(self.parity)
        self._keep_watching(snapshot)
        status = snapshot.lab
        answered = (
            status is not None
            and status.request == self._asked
            and (status.active or status != self.status)  # and not the same one run before
        )
        late = self._asked is not None and time.monotonic() - self._asked_s > ANSWER_WITHIN_S
        if answered or late:
            self._asked = None
        elif status == self.status:
            return
        if status is not None and status != self.status and not status.active:
            self._keep(status)
        self.status = status
        self.changed.emit()

    def _keep_watching(self, snapshot: Snapshot) -> None:
        """Ask again after the engine's process was started anew: it knows of no watch."""
        if self.watch is None:
            return
        if snapshot.parity.badge is not Badge.OFF:
            self._watched = True
        elif self._watched and snapshot.engine.phase is EnginePhase.READY:
            self._watched = False
            self.model.session.watch_parity(self.watch)

    def _keep(self, status: LabStatus) -> None:
        if status.result is None and not status.error:
            return  # stopped by the user: the result before it still stands
        self.results[type(status.request)] = status
        if isinstance(status.result, AbResult):
            found = effect_of_toggle(status.result)
            if found is not None:
                self.effects[found[0]] = found[1]
                self.effects_changed.emit()
        elif isinstance(status.result, WaterfallResult):
            self.effects.update(effects_of_waterfall(status.result))
            self.effects_changed.emit()

    def _forget_with_engine(self, snapshot: Snapshot) -> None:
        """Figures belong to one engine on one size of frames; another one starts without any."""
        info, source = snapshot.engine.info, snapshot.source
        if info is None or source is None:
            return
        engine = (
            info.model,
            info.backend,
            info.precision,
            info.device,
            source.width,
            source.height,
        )
        if engine != self._engine:
            if self._engine is not None and (self.effects or self.results):
                self.effects.clear()
                self.results.clear()
                self.effects_changed.emit()
                self.changed.emit()
            self._engine = engine
