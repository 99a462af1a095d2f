"""What the composition root hands to the pipeline."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rfviewer.frame import SourceInfo
from rfviewer.interfaces import EngineFactory, Renderer, SinkFactory, SourceFactory
from rfviewer.pipeline.live_times import LiveTimes
from rfviewer.pipeline.parity_worst import SaveComparison
from rfviewer.pipeline.watch import WatchLimits
from rfviewer.result import EngineInfo


@dataclass(frozen=True, slots=True)
class Parts:
    """The makers of everything that the pipeline runs."""

    open_source: SourceFactory
    make_engine: EngineFactory
    renderer: Renderer
    make_sinks: SinkFactory
    metadata: Callable[[SourceInfo | None, EngineInfo | None], dict[str, str]]
    """Versions and settings to embed in files."""
    watch_limits: WatchLimits = field(default_factory=WatchLimits)
    """When an engine counts as stuck."""
    live_times: LiveTimes = field(default_factory=LiveTimes)
    """When a live source counts as broken, and how soon it is opened again."""
    save_comparison: SaveComparison | None = None
    """Writes the worst frame of a live comparison; None writes none."""
    frames_may_wait: bool = False
    """Whether frames may wait for others that share their pass of the network (`micro_batch`): for
    work without a viewer."""
    make_renderer: Callable[[], Renderer] | None = None
    """Makes a renderer for the engine thread's experiments; None leaves drawing out of them."""
