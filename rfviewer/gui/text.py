"""Figures and names as the window writes them. An unknown value is a dash, never a zero."""

import html

DASH = "\N{EN DASH}"


def fps_text(value: float | None) -> str:
    """Return frames per second with three significant digits at most one decimal."""
    if value is None:
        return DASH
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def ms_text(value: float | None) -> str:
    """Return milliseconds with the precision that fits their size."""
    if value is None:
        return DASH
    if value < 1:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def time_text(seconds: float | None, *, hours: bool = False) -> str:
    """Return m:ss.cc, or h:mm:ss.cc from one hour on or when `hours` asks for it."""
    if seconds is None:
        return DASH
    centiseconds = round(max(0.0, seconds) * 100)
    minutes, rest = divmod(centiseconds, 6000)
    tail = f"{rest // 100:02d}.{rest % 100:02d}"
    if hours or minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02d}:{tail}"
    return f"{minutes}:{tail}"


def clock_text(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    if minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}"


def bytes_text(count: int | None) -> str:
    """Return a size in MB or GB (powers of ten)."""
    if count is None:
        return DASH
    if count < 999_500:
        return f"{count / 1e3:.0f} kB"
    if count < 999_500_000:
        return f"{count / 1e6:.1f} MB" if count < 99_950_000 else f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.2f} GB"


def count_text(count: int) -> str:
    """Return a count with thin spaces between thousands."""
    return f"{count:,}".replace(",", "\N{THIN SPACE}")


def tooltip(text: str) -> str:
    """Return `text` escaped for a tooltip, which Qt would otherwise read as rich text."""
    return f"<p style='white-space:pre-wrap'>{html.escape(text)}</p>"
