"""Design tokens: every colour and distance of the window, for dark and light.

Widgets ask `current_tokens()` when they paint, so no theme object travels around.
"""

from dataclasses import dataclass

from PySide6.QtGui import QFont, QFontInfo, QGuiApplication, QPalette

from rfviewer.timing import Stage

GAP_PX = 8
"""Distance between neighbours; half of it inside groups."""
PAD_PX = 12
"""Padding of panels and cards."""
ICON_PX = 18
_USUAL_TEXT_PX = 15
"""Up to this text size, which is a little more than most desktops', icons keep their own."""
"""Side of a toolbar icon."""
ROW_PX = 28
"""Height of a button or an input."""
PANEL_WIDTH_PX = 336
"""Preferred width of the side panel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Colours as #rrggbb."""

    dark: bool
    window: str
    """Behind everything."""
    panel: str
    """Side panel, bars and cards."""
    raised: str
    """Buttons, inputs and hovered rows."""
    pressed: str
    """Held or checked neutral buttons."""
    border: str
    """Hairlines."""
    text: str
    muted: str
    """Secondary text; at least 4.5:1 on `panel`."""
    accent: str
    """The one accent: focus, selection, switches that are on."""
    on_accent: str
    """Text on the accent."""
    good: str
    warn: str
    bad: str
    canvas: str
    """Around the video."""
    grid: str
    """Plot grid lines."""


DARK = Tokens(
    dark=True,
    window="#14161a",
    panel="#1b1e24",
    raised="#262a32",
    pressed="#323743",
    border="#2e323b",
    text="#e4e7ec",
    muted="#98a1b0",
    accent="#5a98ff",
    on_accent="#0b1220",
    good="#4cc38a",
    warn="#e2a93b",
    bad="#ff6b64",
    canvas="#0d0e11",
    grid="#2a2e37",
)

LIGHT = Tokens(
    dark=False,
    window="#eceef2",
    panel="#f8f9fb",
    raised="#ffffff",
    pressed="#dfe4ec",
    border="#d3d8e0",
    text="#1b1f27",
    muted="#5b6472",
    accent="#2463d6",
    on_accent="#ffffff",
    good="#157347",
    warn="#8f5d00",
    bad="#c62f2f",
    canvas="#dde1e7",
    grid="#e1e5eb",
)

_SET = (
    # Okabe and Ito's colour-blind-safe set (jfly.uni-koeln.de/color), the blue and the yellow
    # shifted so that both themes have enough contrast, a brown and two greys.
    "#8c939e",
    "#56b4e9",
    "#009e73",
    "#3b82c4",
    "#e69f00",
    "#d9c820",
    "#cc79a7",
    "#d55e00",
    "#6b5fc7",
    "#b5894e",
    "#5f6670",
)
STAGE_COLORS: dict[Stage, str] = {
    stage: _SET[index % len(_SET)] for index, stage in enumerate(Stage)
}
"""Colour of each stage in plots and tables."""


def current_tokens() -> Tokens:
    """Return the tokens of the theme in effect.

    They are found by the application's palette: a widget's own one may have been changed by the
    style sheet (a transparent background reads as black).
    """
    window = QGuiApplication.palette().color(QPalette.ColorRole.Window)
    return DARK if window.lightness() < 128 else LIGHT


def icon_px(side_px: int = ICON_PX) -> int:
    """Return the side of an icon that is `side_px` at usual text: large text has large icons."""
    return round(side_px * max(1.0, QFontInfo(QGuiApplication.font()).pixelSize() / _USUAL_TEXT_PX))


def tabular(font: QFont) -> QFont:
    """Return `font` with digits of equal width, so that figures do not jump."""
    copy = QFont(font)
    copy.setFeature(QFont.Tag("tnum"), 1)
    return copy


def scaled(font: QFont, factor: float, *, bold: bool = False) -> QFont:
    """Return `font` at `factor` times its size, which keeps the user's text size in force."""
    copy = QFont(font)
    if font.pointSizeF() > 0:
        copy.setPointSizeF(font.pointSizeF() * factor)
    else:
        copy.setPixelSize(max(1, round(font.pixelSize() * factor)))
    if bold:
        copy.setWeight(QFont.Weight.DemiBold)
    return copy
