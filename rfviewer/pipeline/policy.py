"""Which playback policy suits a source and an engine, unless the user chose one."""

from rfviewer.config import Policy
from rfviewer.frame import SourceInfo
from rfviewer.result import FrameResult

HEADROOM = 1.2
"""How much faster than a live source an engine must be to give every frame its own masks."""
USUAL_FPS = 30.0
"""Taken for a live source that does not say how fast it is."""


def automatic_policy(info: SourceInfo, engine_fps: float | None) -> Policy:
    """Return the policy by source kind and by what the engine can do, if that is known.

    Files show every frame, as slow motion if need be: masks that trail behind moving objects look
    wrong. Live sources keep pace, until the engine proves fast enough to mask every frame in time.
    """
    if not info.live:
        return Policy.EVERY_FRAME
    fast = engine_fps is not None and engine_fps >= HEADROOM * (info.fps or USUAL_FPS)
    return Policy.EVERY_FRAME if fast else Policy.KEEP_PACE


def engine_fps(result: FrameResult) -> float | None:
    """Return how many such frames a second the engine can do; None when it measured no stage.

    From the engine's own stages: the rate of results also falls with a slow source or slow steps.
    """
    stages_ms = result.timings.stages_ms.values()
    # In flight together, the stages overlap and the longest one sets the pace.
    busy_ms = max(stages_ms, default=0.0) if result.optimizations.depth > 1 else sum(stages_ms)
    return 1000 / busy_ms if busy_ms > 0 else None
