"""Light and dark: the palette, the small style sheet, and following the system's choice."""

from enum import StrEnum

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from rfviewer.gui.stylesheet import stylesheet
from rfviewer.gui.tokens import DARK, LIGHT, Tokens, icon_px


class ThemeChoice(StrEnum):
    """What the user asked for."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class ThemeController(QObject):
    """Applies a theme to the application and follows the system while the choice is `SYSTEM`.

    Signals:
        changed: after palette and style sheet were replaced.
    """

    changed = Signal()

    def __init__(self, app: QApplication, choice: ThemeChoice, parent: QObject) -> None:
        super().__init__(parent)
        self._app, self._root = app, parent
        self._choice = choice
        self._applied: Tokens | None = None
        self._text_pt = _points(app.font())
        self._system_dark_by_palette = (
            app.style().standardPalette().color(QPalette.ColorRole.Window).lightness() < 128
        )
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        self.set_choice(choice)

    @property
    def choice(self) -> ThemeChoice:
        """What the user asked for."""
        return self._choice

    @property
    def tokens(self) -> Tokens:
        """The colours in effect."""
        return self._applied or DARK

    def set_choice(self, choice: ThemeChoice) -> None:
        """Apply `choice` at once."""
        self._choice = choice
        hints = self._app.styleHints()
        # The scheme is told to Qt too, so that native frames and dialogs follow.
        if choice is ThemeChoice.SYSTEM:
            hints.unsetColorScheme()
        elif choice is ThemeChoice.DARK:
            hints.setColorScheme(Qt.ColorScheme.Dark)
        else:
            hints.setColorScheme(Qt.ColorScheme.Light)
        self._apply()

    def _wants_dark(self) -> bool:
        if self._choice is not ThemeChoice.SYSTEM:
            return self._choice is ThemeChoice.DARK
        scheme = self._app.styleHints().colorScheme()
        if scheme is Qt.ColorScheme.Unknown:
            return self._system_dark_by_palette
        return scheme is Qt.ColorScheme.Dark

    def _apply(self) -> None:
        tokens = DARK if self._wants_dark() else LIGHT
        if tokens is not self._applied:
            self._dress(tokens)

    def follow_text_size(self) -> None:
        """Take over the text size of the system where it was changed while the window is open."""
        size_pt = _points(self._app.font())
        if size_pt == self._text_pt:
            return
        factor, self._text_pt = size_pt / self._text_pt, size_pt
        # With a style sheet Qt hands a new size on only when the sheet is set.
        self._dress(self.tokens, factor)
        for widget in self._root.findChildren(QWidget):  # icons are drawn anew, as in other colours
            self._app.sendEvent(widget, QEvent(QEvent.Type.PaletteChange))

    def _dress(self, tokens: Tokens, text_factor: float = 1.0) -> None:
        self._applied = tokens
        sheet = stylesheet(tokens, icon_px())
        new = self._app.styleSheet() != sheet or text_factor != 1.0
        # What has a size of its own gets no new one from Qt, and with the sheet it loses the one
        # that it was given last for that of its first day.
        widgets = self._root.findChildren(QWidget) if new else []
        own = [(part, part.font().pointSizeF()) for part in widgets if _has_own_size(part)]
        if new:
            # Taking the old sheet away first is quicker than replacing it: 70 ms instead of 300
            # with 1000 widgets alive.
            self._app.setStyleSheet("")
        self._app.setPalette(palette_of(tokens))
        if new:
            self._app.setStyleSheet(sheet)
        for part, before_pt in own:
            font = part.font()
            if font.pointSizeF() != before_pt * text_factor:
                font.setPointSizeF(before_pt * text_factor)
                part.setFont(font)
        self.changed.emit()

    def _on_system_changed(self, _scheme: Qt.ColorScheme) -> None:
        self._apply()


def _points(font: QFont) -> float:
    """Return the size in points, also of a font that is given in pixels."""
    return font.pointSizeF() if font.pointSizeF() > 0 else QFontInfo(font).pointSizeF()


def _has_own_size(widget: QWidget) -> bool:
    """Whether the widget was given a font with a size in points, as by `tokens.scaled`."""
    sized = QFont()
    sized.setPointSizeF(1.0)
    font = widget.font()
    given = widget.testAttribute(Qt.WidgetAttribute.WA_SetFont)
    return given and bool(font.resolveMask() & sized.resolveMask()) and font.pointSizeF() > 0


def palette_of(tokens: Tokens) -> QPalette:
    """Return the palette that Fusion draws with."""
    role = QPalette.ColorRole
    colors = {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.raised,
        role.AlternateBase: tokens.panel,
        role.Text: tokens.text,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent,
        role.Accent: tokens.accent,
        role.Link: tokens.accent,
        role.Light: tokens.raised,
        role.Midlight: tokens.pressed,
        role.Mid: tokens.border,
        role.Dark: tokens.border,
        role.Shadow: tokens.canvas,
    }
    palette = QPalette()
    for name, color in colors.items():
        palette.setColor(name, QColor(color))
    faint = QColor(tokens.muted)
    faint.setAlpha(130)
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, faint)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(tokens.border))
    return palette
