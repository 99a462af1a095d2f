"""Colours of classes and instances. Plain Python: the window imports it for its class list."""

from functools import lru_cache

from rfviewer.config import ColorBy, View

type Rgb = tuple[int, int, int]
"""Red, green, blue, 0..255."""

_HEX = (
    # Okabe and Ito, "Color Universal Design" (2008), without black, which vanishes in shadows.
    "E69F00 56B4E9 009E73 F0E442 0072B2 D55E00 CC79A7 "
    # Each further colour is the one farthest, in OKLab, from all before it for normal vision,
    # protanopia, deuteranopia and tritanopia (matrices of Machado et al. 2009, tritanopia weighted
    # 0.7), among sRGB colours of lightness 0.48 to 0.92 and chroma over 0.07.
    "66FFFF AA2211 6600FF 99CCAA 8877FF 884466 BBEEAA 22DDEE CC0099 77BB77 CCCC66 DD11CC AA5544"
)
PALETTE: tuple[Rgb, ...] = tuple(
    (int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)) for code in _HEX.split()
)
"""20 colours that stay apart for colour-blind eyes; the first 7 are the safest."""

BLACK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)


def color_of(view: View, class_id: int, instance_rank: int = 0) -> Rgb:
    """Return the colour of an object: `PALETTE[key % 20]`, the same in every run and every file.

    The key is `class_id`, or `instance_rank` (the slot that the renderer gave the object) when the
    view colours instances.
    """
    key = instance_rank if view.color_by is ColorBy.INSTANCE else class_id
    return PALETTE[key % len(PALETTE)]


def relative_luminance(color: Rgb) -> float:
    """Return the luminance, 0..1, as WCAG 2.2 defines it ("relative luminance")."""
    red, green, blue = (_linear(value / 255) for value in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Rgb, second: Rgb) -> float:
    """Return the contrast ratio, 1..21, as WCAG 2.2 defines it ("contrast ratio")."""
    low, high = sorted((relative_luminance(first), relative_luminance(second)))
    return (high + 0.05) / (low + 0.05)


def text_color_on(background: Rgb) -> Rgb:
    """Return black or white, whichever reads better; the contrast is never below 4.58.

    4.58 is the square root of 21, where black and white are equally far in contrast.
    """
    return max(BLACK, WHITE, key=lambda color: contrast(color, background))


@lru_cache(maxsize=256)
def lighter(color: Rgb, share: float) -> Rgb:
    """Return `color` mixed with `share` (0..1) of white."""
    red, green, blue = (round(value + (255 - value) * share) for value in color)
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
