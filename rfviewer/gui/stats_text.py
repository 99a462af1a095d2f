"""The lines of the statistics overlay: what mpv shows on "i", for this program. Knows no Qt."""

import numpy as np

from rfviewer.gui.history import STAGES, History
from rfviewer.gui.rates import Rates
from rfviewer.gui.text import DASH, bytes_text, count_text, fps_text, ms_text
from rfviewer.snapshot import PresentedFrame, Snapshot


def waiting_frames(snapshot: Snapshot) -> int:
    """Return how many captured frames wait for the engine or are in it."""
    return sum(snapshot.queues.get(name, (0, 0))[0] for name in ("to engine", "in flight"))


def stats_lines(
    snapshot: Snapshot, history: History, frame: PresentedFrame | None, rates: Rates
) -> list[tuple[str, str]]:
    """Return (name, value) pairs; what is not measured says so."""
    source, info, counters = snapshot.source, snapshot.engine.info, snapshot.counters
    lines = [("source", source.name if source is not None else DASH)]
    if source is not None:
        lines.append(("size", f"{source.width} x {source.height}  {source.codec}".strip()))
    if info is not None:
        lines += [
            ("model", info.model),
            ("backend", f"{info.backend} {info.precision}".strip()),
            ("device", info.device),
        ]
    texts = (fps_text(rate) for rate in (rates.source, rates.inferred, rates.shown))
    lines.append(("source / inferred / shown", "  ".join(texts)))
    recent = history.recent_stages()
    for column, stage in enumerate(STAGES):
        values = recent[:, column][np.isfinite(recent[:, column])]
        if values.size:
            middle, high = np.quantile(values, (0.5, 0.95))
            text = f"{ms_text(float(middle))} / {ms_text(float(high))} ms"
            lines.append((f"{stage} p50 / p95", text))
    idle = snapshot.device.gpu_idle
    lines.append(("GPU idle", snapshot.device.reason if idle is None else f"{idle * 100:.0f} %"))
    if frame is not None and frame.masks_age_s is not None:
        lines.append(("mask age", f"{frame.masks_age_s:.2f} s"))
    # Not beside the captured ones, of which the waiting ones would read as lost.
    counts = counters.inferred, waiting_frames(snapshot), counters.dropped
    texts = (count_text(number) for number in counts)
    lines.append(("frames inferred / waiting / dropped", "  ".join(texts)))
    if counters.damaged:
        lines.append(("damaged frames", count_text(counters.damaged)))
    lines.append(("engine memory", bytes_text(snapshot.rss_bytes or None)))
    return lines
