"""Which playback policy suits a source and an engine, unless the user chose one."""

from rfviewer.config import Policy
from rfviewer.frame import SourceInfo
from rfviewer.result import FrameResult

SLOWEST_WATCHABLE_FPS = 1.0
"""Below this rate of results a file is not watched frame by frame unless asked for."""


def automatic_policy(info: SourceInfo, engine_fps: float | None) -> Policy:
    """Return the policy by source kind and by what the engine can do, if that is known.

    Live sources keep pace. Files show every frame, as slow motion if need be, since masks that
    trail behind moving objects look wrong; only an engine too slow to watch keeps pace.
    """
    too_slow = engine_fps is not None and engine_fps < SLOWEST_WATCHABLE_FPS
    return Policy.KEEP_PACE if info.live or too_slow else Policy.EVERY_FRAME


def engine_fps(result: FrameResult) -> float | None:
    """Return how many such frames a second the engine can do; None when it measured no stage.

    From the engine's own stages: the rate of results also falls with a slow source or slow steps.
    """
    stages_ms = result.timings.stages_ms.values()
    # In flight together, the stages overlap and the longest one sets the pace.
    busy_ms = max(stages_ms, default=0.0) if result.optimizations.depth > 1 else sum(stages_ms)
    return 1000 / busy_ms if busy_ms > 0 else None
