"""What the parity badge says: a shape, a word, a figure. Knows no Qt."""

from rfviewer.experiment import Badge, ParityReading, ParityResult
from rfviewer.gui.text import DASH, count_text

ICONS: dict[Badge, str] = {
    Badge.OFF: "parity-off",
    Badge.WAITING: "clock",
    Badge.GREEN: "parity-green",
    Badge.AMBER: "parity-amber",
    Badge.RED: "parity-red",
    Badge.UNAVAILABLE: "blocked",
}
"""A circle with a tick, a triangle, an octagon with a cross: told apart without colour."""

_WORDS: dict[Badge, str] = {
    Badge.OFF: "off",
    Badge.WAITING: "waiting",
    Badge.GREEN: "within the limits",
    Badge.AMBER: "close to a limit",
    Badge.RED: "differs",
    Badge.UNAVAILABLE: "not available",
}


def badge_text(reading: ParityReading) -> str:
    """Return the few words beside the shape."""
    total = reading.total
    if reading.badge is Badge.OFF:
        return "Parity"
    if reading.badge in {Badge.WAITING, Badge.UNAVAILABLE} or total is None:
        return f"Parity {_WORDS[reading.badge]}"
    if reading.badge in {Badge.RED, Badge.AMBER}:
        # A distance alone would not say what is wrong with it: half a pixel may be allowed.
        return f"Parity {total.cause or _WORDS[reading.badge]}"
    if not (total.box_max_px or total.score_max or total.flips or total.missing or total.extra):
        return "Parity exact"
    return "Parity ok"  # a distance that is allowed would read like a fault; the tooltip has it


def px_text(value: float) -> str:
    """Return pixels with a precision that shows small differences."""
    if not value:
        return "0"
    return f"{value:.1e}" if value < 0.0005 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def reading_lines(reading: ParityReading) -> list[tuple[str, str]]:
    """Return (name, figure) pairs of everything measured so far."""
    lines = [
        ("State", _WORDS[reading.badge]),
        ("Frames compared", count_text(reading.compared)),
        ("Frames skipped", count_text(reading.skipped)),
    ]
    total = reading.total
    if total is None:
        return lines
    flips = f"{count_text(total.flips)} of {count_text(total.pairs)} pairs"
    return [
        *lines,
        ("Boxes, largest difference", f"{px_text(total.box_max_px)} px"),
        ("Boxes, p99 and mean", f"{px_text(total.box_p99_px)} and {px_text(total.box_mean_px)} px"),
        ("Scores, largest difference", f"{total.score_max:.2g}"),  # as the verdict has it
        ("Mask IoU, least and mean", _iou_text(total)),
        ("Classes changed", flips),
        ("Missing, extra", f"{count_text(total.missing)}, {count_text(total.extra)}"),
        ("Inside the soft band", count_text(total.soft)),
        ("Worst frame", DASH if total.worst_frame is None else str(total.worst_frame)),
        ("Gate", total.gate),
    ]


def reading_sentence(reading: ParityReading) -> str:
    """Return one sentence for tooltip and screen reader."""
    if reading.badge is Badge.OFF:
        return "Compares live frames with a second network as the reference. Click to start."
    total = reading.total
    parts = [f"Parity: {_WORDS[reading.badge]}"]
    if reading.reason:
        parts.append(reading.reason)
    elif total is not None:
        parts.append(total.verdict)
    if total is not None and reading.badge is Badge.RED:  # other verdicts have the figures
        iou = "" if total.iou_min is None else f", mask IoU at least {total.iou_min:.4f}"
        changed = (
            f"{count_text(total.flips)} class{' has' if total.flips == 1 else 'es have'} changed"
        )
        parts.append(
            f"{count_text(reading.compared)} frames compared, boxes within "
            f"{px_text(total.box_max_px)} px{iou}, {changed}"
        )
    return ". ".join(part[:1].upper() + part[1:].rstrip(".") for part in parts) + "."


def _iou_text(total: ParityResult) -> str:
    if total.iou_min is None or total.iou_mean is None:
        return "no masks"
    return f"{total.iou_min:.4f} and {total.iou_mean:.5f}"
