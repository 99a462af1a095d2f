"""The composition root of everything without a window: settings in, a running session out."""

import platform
from collections.abc import Sequence
from pathlib import Path

import cv2

from rfviewer.command_line import command_for
from rfviewer.config import EngineConfig, Settings
from rfviewer.decode import Decode
from rfviewer.engine.factory import make_engine, picture_memory
from rfviewer.engine.ranges import RangedEngine, Ranges, nvtx_calls
from rfviewer.frame import SourceInfo
from rfviewer.interfaces import Engine, Progress
from rfviewer.lab.worst_frame import WorstFrame
from rfviewer.models.registry import resolve_model
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.presenter import Display
from rfviewer.pipeline.threads import start_thread
from rfviewer.render.comparison import side_by_side
from rfviewer.render.host import HostRenderer
from rfviewer.result import EngineInfo
from rfviewer.session.local import LocalSession
from rfviewer.session.replays import Replays
from rfviewer.sinks.factory import make_sinks
from rfviewer.sinks.screenshot import write_png
from rfviewer.sources.factory import open_source
from rfviewer.version import version, versions_text


def window_session(settings: Settings, display: Display | None = None) -> LocalSession:
    """Return a session as `local_session` does that keeps the last seconds for replays."""
    return local_session(settings, display, Replays())


def batch_session(settings: Settings) -> LocalSession:
    """Return a session as `local_session` does for work without a viewer.

    Its frames may wait for others that share their pass of the network (`micro_batch`).
    """
    return local_session(settings, frames_may_wait=True)


def local_session(
    settings: Settings,
    display: Display | None = None,
    replays: Replays | None = None,
    *,
    frames_may_wait: bool = False,
) -> LocalSession:
    """Return a session on threads of this process; the engine starts loading at once."""
    # OpenCV's own threads would compete with the network's for the cores (docs/OPTIMIZATION_LOG.md,
    # H1); the pipeline runs its stages side by side anyway.
    cv2.setNumThreads(1)

    def metadata(source: SourceInfo | None, engine: EngineInfo | None) -> dict[str, str]:
        return run_metadata(session.settings, source, engine)  # as they are when a file begins

    parts = Parts(
        # As the session is asked at that moment, also when a live source is opened once more.
        open_source=lambda uri: open_source(
            uri,
            session.settings.playback.decode,
            lambda: picture_memory(session.settings.engine),
        ),
        make_engine=build_engine,
        renderer=HostRenderer(),
        make_renderer=HostRenderer,
        make_sinks=make_sinks,
        metadata=metadata,
        save_comparison=save_comparison,
        frames_may_wait=frames_may_wait,
    )
    session = LocalSession(parts, settings, write_png, display, replays)
    return session


def build_engine(config: EngineConfig, optimizations: Optimizations, progress: Progress) -> Engine:
    """Return an engine that is ready for frames, for the calling thread (`EngineFactory`)."""
    engine = make_engine(
        config, optimizations, progress, resolve_model=resolve_model, start_thread=start_thread
    )
    return RangedEngine(engine, Ranges(*nvtx_calls())) if config.nvtx else engine


def save_comparison(
    path: Path,
    worst: WorstFrame,
    class_names: Sequence[str | None],
    titles: tuple[str, str],
    metadata: dict[str, str],
) -> None:
    """Write both results of a frame and their difference as a PNG (`SaveComparison`).

    Raises:
        SinkError: when the file exists or cannot be written.
    """
    differences = worst.comparison.differences
    image = side_by_side(
        worst.frame,
        worst.reference,
        worst.candidate,
        class_names,
        titles=titles,
        caption=worst.caption(),
        marks=[item.box_xyxy for item in differences if item.box_xyxy and item.badness > 0.5],
        dashed=worst.weak_rows,
    )
    write_png(path, image, metadata)


def run_metadata(
    settings: Settings, source: SourceInfo | None, engine: EngineInfo | None
) -> dict[str, str]:
    """Return versions and settings as text, to be embedded in every file that is written."""
    metadata = {
        "software": f"rfviewer {version()}",
        "versions": versions_text(),
        "platform": platform.platform(terse=True),
    }
    if source is not None:
        metadata["source"] = source.uri
        if source.decode is not None:
            metadata["decoder"] = "NVDEC" if source.decode.effective is Decode.GPU else "CPU"
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
