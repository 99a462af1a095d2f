"""What a comparison of results means, in words."""

from rfviewer.experiment import ParityResult
from rfviewer.lab.tolerance import Tolerance


def overall_failures(
    result: ParityResult, tolerance: Tolerance, allowed_soft: float
) -> tuple[str, ...]:
    """Return what fails over all frames though every single one may pass."""
    failures = []
    if not result.frames:
        failures.append("No frame was compared.")
    if result.soft > allowed_soft:
        failures.append(
            f"{result.soft} detections differ near the threshold; {allowed_soft:.0f} may."
        )
    if result.iou_mean is not None and result.iou_mean < tolerance.mask_iou_mean:
        failures.append(
            f"The mean mask IoU is {result.iou_mean:.4f};"
            f" {tolerance.mask_iou_mean:g} is the least allowed."
        )
    return tuple(failures)


def cause(
    result: ParityResult, tolerance: Tolerance, allowed_soft: float, worst: str, badness: float
) -> str:
    """Return in a few words what fails or comes closest to it; empty when nothing differs.

    Args:
        result: the counts.
        tolerance: what may differ.
        allowed_soft: so many differences inside the soft band may be.
        worst: the worst single difference (`Difference.brief`).
        badness: of that one; above 1 it fails.
    """
    for count, one, many in (
        (result.flips, "class changed", "classes changed"),
        (result.missing, "missing", "missing"),
        (result.extra, "extra", "extra"),
    ):
        if count:
            return f"{count:,} {one if count == 1 else many}"
    if badness <= 1.0:  # no frame fails alone
        if result.soft > allowed_soft:
            return f"{result.soft:,} differ near the threshold"
        if result.iou_mean is not None and result.iou_mean < tolerance.mask_iou_mean:
            return f"mean mask IoU {result.iou_mean:.3f}"
        if result.soft:
            return f"{result.soft:,} near the threshold"
    return worst


def verdict(result: ParityResult, tolerance: Tolerance, score_p99: float, *, passed: bool) -> str:
    """Return one or two sentences: what was found, and what is remarkable though allowed."""
    frames = f"{result.frames} frame{'' if result.frames == 1 else 's'}"
    if not result.frames:
        return "Nothing was compared."
    if result.gate == "G0" and passed:
        return f"Equal, byte for byte: {_count(result.pairs, 'detection')} on {frames}."
    rounded = ""
    if tolerance.rounding_px and result.box_max_px:
        rounded = f" ({tolerance.rounding_px:g} may be of boxes rounded to pixels)"
    found = (
        f"{_count(result.flips, 'class change')}, {result.missing} missing, {result.extra} extra;"
        f" boxes within {result.box_max_px:.3g} px{rounded}, scores within {result.score_max:.2g}"
    )
    if result.iou_min is not None:
        found += f", mask IoU at least {result.iou_min:.4f}"
    if tolerance.exact:
        opening = f"Not equal, though the same bytes are promised, on {frames}"
    elif passed:
        opening = f"Within {tolerance.name} on {frames} with {_count(result.pairs, 'pair')}"
    else:
        opening = f"Outside {tolerance.name} on {frames} with {_count(result.pairs, 'pair')}"
    text = f"{opening}: {found}."
    remarks = []
    if tolerance.box_p99_px is not None and result.box_p99_px > tolerance.box_p99_px:
        remarks.append(
            f"99 % of boxes lie within {result.box_p99_px:.2g} px,"
            f" usual is {tolerance.box_p99_px:g}"
        )
    if tolerance.score_p99 is not None and score_p99 > tolerance.score_p99:
        remarks.append(f"99 % of scores within {score_p99:.2g}, usual is {tolerance.score_p99:g}")
    return f"{text} Remarkable: {'; '.join(remarks)}." if remarks else text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
