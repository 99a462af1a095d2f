"""Which toggles a waterfall measures: all that can run here, or those that are ticked."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QMenu, QToolButton, QWidgetAction

from rfviewer.gui.text import tooltip
from rfviewer.optimizations import toggle_names, toggle_of


class ToggleChoice(QToolButton):
    """A button with a list of boxes, which stays open while one ticks."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Choice")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(tooltip("Which toggles to measure: each one more takes longer"))
        menu = QMenu(self)
        self.boxes: dict[str, QCheckBox] = {}
        self._entries: dict[str, QWidgetAction] = {}
        for name in toggle_names():
            box = QCheckBox(toggle_of(name).label)
            box.setChecked(True)
            box.setContentsMargins(8, 2, 8, 2)
            box.toggled.connect(lambda _checked: self._describe())
            entry = QWidgetAction(menu)
            entry.setDefaultWidget(box)
            menu.addAction(entry)
            self.boxes[name], self._entries[name] = box, entry
        self.setMenu(menu)
        self._able: tuple[str, ...] = toggle_names()
        self._describe()

    def set_able(self, names: tuple[str, ...]) -> None:
        """Offer only these, which can run here."""
        if names != self._able:
            self._able = names
            for name, entry in self._entries.items():
                entry.setVisible(name in names)
            self._describe()

    @property
    def names(self) -> tuple[str, ...]:
        """The ticked ones; empty for all."""
        ticked = tuple(name for name in self._able if self.boxes[name].isChecked())
        return () if len(ticked) == len(self._able) else ticked

    @property
    def none(self) -> bool:
        """Whether nothing is ticked."""
        return not any(self.boxes[name].isChecked() for name in self._able)

    def _describe(self) -> None:
        count = sum(self.boxes[name].isChecked() for name in self._able)
        whole = count == len(self._able)
        self.setText("All toggles" if whole else f"{count} of {len(self._able)} toggles")
        self.setAccessibleName(f"Measure {self.text()}")
