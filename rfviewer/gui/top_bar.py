"""The toolbar: source, record, screenshot, copy as command, theme, help."""

from typing import override

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from rfviewer.gui import icons
from rfviewer.gui.actions import ActionRegistry
from rfviewer.gui.controls import rule
from rfviewer.gui.outputs import Outputs
from rfviewer.gui.parity_badge import ParityBadge
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import GAP_PX, current_tokens

_WITH_WORDS = Qt.ToolButtonStyle.ToolButtonTextBesideIcon


class TopBar(QWidget):
    """Slim row of buttons; every one is also in the menus."""

    def __init__(
        self,
        actions: ActionRegistry,
        source_menu: QMenu,
        outputs: Outputs,
        theme_menu: QMenu,
        parity: ParityBadge,
    ) -> None:
        super().__init__()
        self.setObjectName("TopBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions = actions
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP_PX, 4, GAP_PX, 4)
        row.setSpacing(4)
        self._source = self._menu_button("Source", source_menu, "Open a video, camera or stream")
        row.addWidget(self._source)
        row.addWidget(rule(vertical=True))
        self.record = self._button(actions["record"], text=True)
        shot = self._button(actions["shot_annotated"], text=True, caption="Screenshot")
        for button, menu in ((self.record, outputs.record_menu), (shot, outputs.shot_menu)):
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
            row.addWidget(button)
        export = self._button(actions["export_video"], text=True, caption="Export")
        row.addWidget(export)
        row.addStretch(1)
        row.addWidget(parity)
        row.addWidget(self._button(actions["split"]))
        row.addWidget(self._button(actions["copy_command"]))
        self._theme = self._menu_button("", theme_menu, "Theme")
        self._theme.setAccessibleName("Theme")
        row.addWidget(self._theme)
        row.addWidget(self._button(actions["palette"]))
        row.addWidget(self._button(actions["keys"]))
        row.addWidget(self._button(actions["panel"]))
        self._recording = False
        # By what a word adds to its icon: the first one is left out first.
        self._texts = (parity, shot, export, self.record, self._source)
        parity.words_changed.connect(self._fit)
        self.retint()

    def set_recording(self, *, recording: bool) -> None:
        """Turn the record button into a stop button and back."""
        if recording != self._recording:
            self._recording = recording
            self._actions["record"].setText("Stop" if recording else "Record")
            self.retint()
            self._fit()

    def _button(self, action: QAction, *, text: bool = False, caption: str = "") -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if text:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        if caption:
            action.setIconText(caption)
        return button

    def _menu_button(self, text: str, menu: QMenu, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tooltip(tip))
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if text:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        return button

    def _fit(self) -> None:
        """Leave out the words that there is no room for, one button's after the other's."""
        layout = self.layout()
        assert layout is not None
        for left_out in range(len(self._texts) + 1):
            for place, button in enumerate(self._texts):
                slim = place < left_out
                _set_style(button, Qt.ToolButtonStyle.ToolButtonIconOnly if slim else _WITH_WORDS)
            layout.invalidate()
            if layout.sizeHint().width() <= self.width():
                return

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())  # words give way, not the window

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def retint(self) -> None:
        """Draw the icons in the colours of the theme; the record dot stays red."""
        tokens = current_tokens()
        self._source.setIcon(icons.icon("folder"))
        self._theme.setIcon(icons.icon("contrast"))
        name = "stop" if self._recording else "record"
        self._actions["record"].setIcon(icons.icon(name, tokens.bad))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.retint()
        super().changeEvent(event)


def _set_style(button: QToolButton, wanted: Qt.ToolButtonStyle) -> None:
    if button.toolButtonStyle() is not wanted:
        button.setToolButtonStyle(wanted)
        button.style().unpolish(button)
        button.style().polish(button)  # the style sheet asks for the button's style
