"""The timeline of the report: the last second of all lanes, to zoom in, as inline SVG."""

from rfviewer.lab.markup import rect, text
from rfviewer.lab.timeline import Timeline, idle_share, is_device
from rfviewer.timing import Span, Stage

LENGTH_NS = 1_000_000_000
"""How much of the end of a run is shown, where that holds enough frames."""
_LEAST_FRAMES = 10
_MAX_SPANS = 8000
_ROW = 24
_HINT = "Wheel, + and - zoom; drag and arrow keys move; a double click shows all."


def ribbon(timeline: Timeline) -> str:
    """Return the last second before the newest result; empty when no spans are known."""
    pieces = timeline.pieces[-_MAX_SPANS:]
    if not pieces:
        return ""
    end_ns = max(piece.span.end_ns for piece in pieces)
    submitted = [s.timings.submit_time_ns for s in timeline.samples[-_LEAST_FRAMES:]]
    start_ns = min(end_ns - LENGTH_NS, *submitted)
    start_ns = max(start_ns, pieces[0].span.start_ns)
    length_us = max(1.0, (end_ns - start_ns) / 1000)
    shown = [piece for piece in pieces if piece.span.end_ns > start_ns]
    lanes = [lane for lane in timeline.lanes if any(p.span.lane == lane for p in shown)]
    device = sorted(p.span for p in shown if is_device(p.span.lane))
    rows = ["idle", *lanes] if device else lanes
    parts = _idle(device, start_ns, _ROW) if device else []
    for piece in shown:
        span = piece.span
        begin_us = max(0.0, (span.start_ns - start_ns) / 1000)
        wide_us = (span.end_ns - start_ns) / 1000 - begin_us
        frame = f", frame {piece.frame_index}" if piece.frame_index >= 0 else ""
        tip = f"{span.stage}{frame}: {(span.end_ns - span.start_ns) / 1e6:.3f} ms"
        y = rows.index(span.lane) * _ROW + 2
        parts.append(rect(begin_us, y, wide_us, _ROW - 4, f"st {span.stage}", tip))
    share = _share(device, start_ns, end_ns)
    names = "".join(f"<div>{text(row)}</div>" for row in rows)
    return (
        f'<p class="figures">{text(_figures(length_us, share))}</p>'
        '<div class="ribbon"><div class="lanes">' + names + "</div>"
        f'<div class="view"><svg id="ribbon" viewBox="0 0 {length_us:.0f} {len(rows) * _ROW}" '
        f'preserveAspectRatio="none" style="height:{len(rows) * _ROW}px" '
        f'data-length="{length_us:.0f}" role="img" aria-label="Timeline">{"".join(parts)}</svg>'
        '<div id="axis"></div></div></div>'
        f'<p class="legend">{_legend(shown_stages(timeline))}</p>'
        f'<p class="hint">{_HINT}</p>'
    )


def shown_stages(timeline: Timeline) -> list[Stage]:
    """Return the stages that occur, in the order of a frame."""
    met = {piece.span.stage for piece in timeline.pieces}
    return [stage for stage in Stage if stage in met]


def _share(device: list[Span], start_ns: int, end_ns: int) -> float | None:
    if not device:
        return None
    first = max(start_ns, min(span.start_ns for span in device))
    return idle_share(device, first, min(end_ns, max(span.end_ns for span in device)))


def _figures(length_us: float, share: float | None) -> str:
    words = f"The last {length_us / 1000:,.1f} ms"
    if share is not None:
        words += f"; the slots were idle for {100 * share:.1f} % of it"
    return words + "."


def _idle(device: list[Span], start_ns: int, row: int) -> list[str]:
    """Return the gaps in which no slot worked."""
    parts, reached = [], max(start_ns, device[0].start_ns)
    for span in sorted(device, key=lambda found: found.start_ns):
        if span.start_ns > reached:
            wide_us = (span.start_ns - reached) / 1000
            tip = f"idle for {wide_us / 1000:.3f} ms"
            parts.append(rect((reached - start_ns) / 1000, 2, wide_us, row - 4, "st idle", tip))
        reached = max(reached, span.end_ns)
    return parts


def _legend(stages: list[Stage]) -> str:
    names = [f'<span class="key {stage}"></span>{text(stage)}' for stage in stages]
    return " ".join([*names, '<span class="key idle"></span>idle'])
