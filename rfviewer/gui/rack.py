"""Section "Optimisations": one row per field of `Optimizations`, made from its metadata."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout

from rfviewer.gui.action_table import TOGGLE_KEYS
from rfviewer.gui.controls import KeyCap, label
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.model import SessionModel
from rfviewer.gui.rack_row import RackRow
from rfviewer.gui.section import Section
from rfviewer.gui.text import tooltip
from rfviewer.gui.wrapping_row import Together, WrappingRow
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.snapshot import EnginePhase, Snapshot

if TYPE_CHECKING:
    from rfviewer.result import ToggleState


class Rack(Section):
    """Rows that work on this machine first; what cannot run waits folded below.

    The digit keys flip the rows in the order shown, so on every machine 1 is the first row. No row
    has a digit before an engine has told which ones work: it would be another one a moment later.

    Signals:
        order_changed: other rows got the digits; `order` tells which.
    """

    order_changed = Signal()

    def __init__(self, model: SessionModel, lab: LabModel) -> None:
        super().__init__("Optimisations")
        self._model = model
        self._lab = lab
        self.rows = {name: RackRow(name) for name in toggle_names()}
        self._blocked: frozenset[str] | None = None
        """What cannot run; None before an engine has told."""
        presets = WrappingRow()
        for text, tip, slot in (
            ("All on", "Every optimisation that this machine can run", self._on_all_on),
            ("Baseline", "Everything off: the plain reference path (0)", self._on_baseline),
        ):
            button = QPushButton(text)
            button.setToolTip(tooltip(tip))
            button.clicked.connect(slot)
            presets.add(button)
        words = (label("hold", muted=True), KeyCap("a"), label("to compare", muted=True))
        hold = Together(*words, spacing_px=4)
        hold.setToolTip(tooltip("While the key is held, everything is off: the baseline"))
        presets.add(hold, at_end=True)
        self.body.addLayout(presets)
        self._working = QVBoxLayout()
        self._working.setSpacing(0)
        self.body.addLayout(self._working)
        self.blocked_group = Section("Cannot run here", open_=False, level=2)
        self.blocked_group.body.setSpacing(0)
        self.body.addWidget(self.blocked_group)
        for row in self.rows.values():
            row.requested.connect(self._on_requested)
            row.measure_wanted.connect(lab.measure_toggle)
        self._order: list[str] = []
        for row in self.rows.values():
            self._working.addWidget(row)
        self.blocked_group.setVisible(False)
        model.optimizations_changed.connect(self._on_optimizations)
        model.snapshot_changed.connect(self._on_snapshot)
        self._on_optimizations(model.optimizations)
        lab.effects_changed.connect(self._on_effects)
        lab.changed.connect(self._on_lab)
        self._on_lab()

    def flip(self, digit: int) -> None:
        """Flip the row that shows this digit; nothing when there is none."""
        if 1 <= digit <= len(self._order):
            self._model.flip_toggle(self._order[digit - 1])

    @property
    def order(self) -> list[str]:
        """Names of the rows that the digits flip, in order."""
        return list(self._order)

    def _arrange(self, blocked: frozenset[str], title: str) -> None:
        working = [name for name in self.rows if name not in blocked]
        for name, row in self.rows.items():
            layout = self.blocked_group.body if name in blocked else self._working
            layout.addWidget(row)
            row.set_key("")
        for digit, name in enumerate(working[:TOGGLE_KEYS], start=1):
            self.rows[name].set_key(str(digit))
        self._order = working[:TOGGLE_KEYS]
        self.blocked_group.setVisible(bool(blocked))
        self.blocked_group.set_title(f"{len(blocked)} {title}")
        self.order_changed.emit()

    def _on_all_on(self) -> None:
        self._model.set_optimizations(Optimizations())

    def _on_baseline(self) -> None:
        self._model.set_optimizations(Optimizations.baseline())

    def _on_requested(self, name: str, value: bool | int) -> None:
        self._model.set_toggle(name, value)

    def _on_optimizations(self, optimizations: Optimizations) -> None:
        for name, row in self.rows.items():
            row.set_requested(getattr(optimizations, name))

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        info = snapshot.engine.info
        states: dict[str, ToggleState] = (
            {state.name: state for state in info.toggles} if info is not None else {}
        )
        for name, row in self.rows.items():
            state = states.get(name)
            # A request on its way is not yet answered by this snapshot.
            if state is not None and state.requested != getattr(self._model.optimizations, name):
                state = None
            row.set_state(state, engine=snapshot.engine.phase is not EnginePhase.FAILED)
        self._on_lab()
        self.set_summary(*effect_words(tuple(states.values())))
        if info is None:
            return
        blocked = frozenset(state.name for state in states.values() if not state.available)
        if blocked != self._blocked:
            self._blocked = blocked
            needs_gpu = all("NVIDIA GPU" in states[name].reason for name in blocked)
            need = "needs" if len(blocked) == 1 else "need"
            self._arrange(blocked, f"{need} an NVIDIA GPU" if needs_gpu else "cannot run here")

    def _on_effects(self) -> None:
        for name, row in self.rows.items():
            row.set_effect(self._lab.effects.get(name))

    def _on_lab(self) -> None:
        measuring, free = self._lab.measuring, self._lab.running is None and self._lab.can_run
        for name, row in self.rows.items():
            row.set_measuring(measuring=name == measuring, possible=free)


def effect_words(states: "tuple[ToggleState, ...]") -> tuple[str, str, str]:
    """Return how many optimizations are in effect, what became of each, and the first in short.

    Empty while no engine has told. What is requested stands in the switches themselves.
    """
    if not states:
        return "", "", ""
    baseline = Optimizations.baseline()
    on = [state for state in states if state.effective != getattr(baseline, state.name)]
    blocked = [state for state in states if not state.available]
    off = [state for state in states if state not in on and state not in blocked]
    summary = f"{len(on)} of {len(states)} in effect"
    lines = [f"{summary}; {len(blocked)} cannot run here" if blocked else summary]
    for title, group in (("In effect", on), ("Off", off), ("Cannot run here", blocked)):
        if group:
            names = ", ".join(toggle_of(state.name).label for state in group)
            lines.append(f"{title}: {names}")
    return summary, "\n\n".join(lines), f"{len(on)} of {len(states)}"
