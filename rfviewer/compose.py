"""The composition root of everything without a window: settings in, a running session out."""

import platform

import cv2

from rfviewer.command_line import command_for
from rfviewer.config import EngineConfig, Settings
from rfviewer.engine.factory import make_engine
from rfviewer.frame import SourceInfo
from rfviewer.interfaces import Engine, Progress
from rfviewer.models.registry import resolve_model
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.presenter import Display
from rfviewer.pipeline.threads import start_thread
from rfviewer.render.host import HostRenderer
from rfviewer.result import EngineInfo
from rfviewer.session.local import LocalSession
from rfviewer.sinks.factory import make_sinks
from rfviewer.sinks.screenshot import write_png
from rfviewer.sources.factory import open_source
from rfviewer.version import version


def local_session(settings: Settings, display: Display | None = None) -> LocalSession:
    """Return a session on threads of this process; the engine starts loading at once."""
    # OpenCV's own threads would compete with the network's for the cores (docs/OPTIMIZATION_LOG.md,
    # H1); the pipeline runs its stages side by side anyway.
    cv2.setNumThreads(1)

    def metadata(source: SourceInfo | None, engine: EngineInfo | None) -> dict[str, str]:
        return run_metadata(session.settings, source, engine)  # as they are when a file begins

    parts = Parts(
        open_source=open_source,
        make_engine=_make_engine,
        renderer=HostRenderer(),
        make_sinks=make_sinks,
        metadata=metadata,
    )
    session = LocalSession(parts, settings, write_png, display)
    return session


def _make_engine(config: EngineConfig, optimizations: Optimizations, progress: Progress) -> Engine:
    return make_engine(
        config, optimizations, progress, resolve_model=resolve_model, start_thread=start_thread
    )


def run_metadata(
    settings: Settings, source: SourceInfo | None, engine: EngineInfo | None
) -> dict[str, str]:
    """Return versions and settings as text, to be embedded in every file that is written."""
    metadata = {"software": f"rfviewer {version()}", "platform": platform.platform(terse=True)}
    if source is not None:
        metadata["source"] = source.uri
    if engine is not None:
        metadata["model"] = f"{engine.model} ({engine.precision}, resize {engine.resize})"
        metadata["engine"] = f"{engine.backend} on {engine.device}"
        if engine.backend == "none":
            metadata["model"], metadata["engine"] = "none", "no network"
    metadata["command"] = command_for(settings, None if source is None else source.uri)
    metadata["threshold"] = f"{settings.view.threshold:g}"
    changes = settings.optimizations.describe_changes()
    metadata["optimizations"] = changes or "default"
    return metadata
