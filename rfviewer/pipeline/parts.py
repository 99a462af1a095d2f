"""What the composition root hands to the pipeline."""

from collections.abc import Callable
from dataclasses import dataclass

from rfviewer.frame import SourceInfo
from rfviewer.interfaces import EngineFactory, Renderer, SinkFactory, SourceFactory
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
