"""Saving the last seconds of a run as a replay file: clip, settings and results in one zip."""

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from rfviewer import log
from rfviewer.config import Settings
from rfviewer.errors import RfviewerError, SinkError
from rfviewer.frame import Frame, SourceKind
from rfviewer.interfaces import SinkItem, SourceFactory
from rfviewer.pipeline.threads import Thread, start_thread
from rfviewer.result import Notice
from rfviewer.session.run_history import NEARLY, KeptResult, Recent, RunHistory, frame_check
from rfviewer.sinks.faults import cannot_create
from rfviewer.sinks.labels import frame_record
from rfviewer.sinks.names import free_path
from rfviewer.sinks.publish import publish
from rfviewer.sources.clip import MEDIA_ERRORS, Clip, cut_file, cut_history, encode_lossless
from rfviewer.sources.media import Target
from rfviewer.sources.replay import open_replay
from rfviewer.sources.replay_file import (
    CLIP,
    MANIFEST,
    RESULTS,
    SETTINGS,
    SUFFIX,
    ReplayManifest,
    manifest_text,
    settings_text,
)

_SAME_S = 0.001
"""Frames nearer than this are the same: container time stamps are rounded to 1 ms."""


@dataclass(frozen=True, slots=True, eq=False)
class ReplayRequest:
    """What to save, as it is at the moment of asking."""

    path: Path
    settings: Settings
    class_names: Sequence[str | None]
    made_with: dict[str, str]
    """Versions, command line and engine."""


class Replays:
    """Keeps what a replay needs and saves it on a thread of its own, one at a time."""

    def __init__(self) -> None:
        self.history = RunHistory()
        self._open_source: SourceFactory | None = None
        self._thread: Thread | None = None
        self._busy = False

    def watched(self, open_source: SourceFactory) -> SourceFactory:
        """Return a factory like `open_source` whose sources can be replayed."""
        self._open_source = open_source
        return self.history.watched(open_source)

    def save(
        self,
        path: Path,
        seconds: float,
        settings: Settings,
        class_names: Sequence[str | None],
        made_with: dict[str, str],
        tell: Callable[[Notice], None],
    ) -> None:
        """Start saving; `tell` gets the outcome as one notice, from another thread."""
        if self._busy:
            tell(("warning", "A replay is being saved already; wait a moment."))
            return
        recent = self.history.recent(seconds)
        if recent is None:
            tell(("warning", "There is nothing to save as a replay yet: no frame has a result."))
            return
        request = ReplayRequest(path, settings, class_names, made_with)
        self._busy = True
        self._thread = start_thread("replay", lambda: self._save(recent, request, tell))

    def close(self, timeout_s: float) -> None:
        """Wait for a replay that is being saved."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _save(self, recent: Recent, request: ReplayRequest, tell: Callable[[Notice], None]) -> None:
        outcome: Notice
        try:
            outcome = ("info", self._saved(recent, request))
        except RfviewerError as error:
            outcome = ("error", str(error))
        except MEDIA_ERRORS as error:
            log.session.exception("a replay could not be saved")
            reason = getattr(error, "strerror", None) or error
            sentence = f"{request.path} could not be saved ({reason}); choose another place."
            outcome = ("error", sentence)
        finally:
            self._busy = False
        tell(outcome)

    def _saved(self, recent: Recent, request: ReplayRequest) -> str:
        """Save and return one sentence about it."""
        if request.path.suffix.lower() != SUFFIX:
            raise SinkError(f"{request.path} must be named {SUFFIX}.")
        if not request.path.parent.is_dir():
            raise SinkError(f"The folder {request.path.parent} does not exist; choose another.")
        writers = [self._from_packets] if recent.packets or recent.source.media_path else []
        writers.append(self._without_loss)
        with tempfile.TemporaryDirectory(prefix="rfviewer-replay-") as folder:
            for number, write in enumerate(writers, start=1):
                clip_path = Path(folder) / f"{number}-{CLIP}"
                made = write(recent, clip_path)
                if made is None:
                    continue
                temporary = free_path(
                    request.path.with_name(f"{request.path.stem}.partial{SUFFIX}")
                )
                try:
                    wrong = _write(temporary, clip_path, made, recent, request)
                    if wrong and number < len(writers) and recent.packets is None:
                        log.session.info("the copied packets do not decode to the same frames")
                        continue
                    path = publish(temporary, request.path, overwrite=False)
                except OSError as error:
                    raise cannot_create(request.path, error) from error
                finally:
                    temporary.unlink(missing_ok=True)
                return _sentence(path, made, wrong, recent)
        raise SinkError(
            "These seconds cannot be saved: no key frame of the stream lies before them; "
            "try again after some seconds."
        )

    def _from_packets(self, recent: Recent, output: Path) -> "_Made | None":
        """Copy what the source sent; None where that cannot be done exactly."""
        results = recent.results
        if recent.packets is None:
            source = recent.source
            target = Target(f"file:{source.media_path}", source.uri, source.name, SourceKind.FILE)
            clip = cut_file(target, results[0].pts_s, results[-1].pts_s, output)
            return (
                None
                if clip is None
                else _Made(clip, results, [k.pts_s for k in results], stream_copy=True)
            )
        stretch = recent.packets.stretch()
        if stretch is None:
            return None
        keys = [p.pts for p in stretch.packets if p.key and p.pts is not None]
        known = [
            (kept, stretch.stamps[kept.capture_time_ns])
            for kept in results
            if stretch.stamps.get(kept.capture_time_ns, -1) >= min(keys, default=0)
        ]
        breaks = [n for n, (a, b) in enumerate(pairwise(known), start=1) if b[1] <= a[1]]
        known = known[breaks[-1] if breaks else 0 :]  # the clock of the stream broke there
        if not known:
            return None
        clip = cut_history(stretch, known[0][1], known[-1][1], output)
        if clip is None:
            return None
        times = [float(stamp * stretch.time_base) for _, stamp in known]
        return _Made(clip, [kept for kept, _ in known], times, stream_copy=True)

    def _without_loss(self, recent: Recent, output: Path) -> "_Made | None":
        """Encode frames: those kept of a camera, or those read again of anything seekable."""
        results = recent.results
        if recent.source.seekable and self._open_source is not None:
            with closing(self._open_source(recent.uri)) as source:
                source.seek(results[0].pts_s)
                clip = encode_lossless(_until(source.read, results[-1].pts_s), output)
            return _Made(clip, results, [kept.pts_s for kept in results], stream_copy=False)
        first_ns = results[0].capture_time_ns
        frames = [f for f in recent.frames if first_ns <= f.capture_time_ns]
        if not frames:
            return None
        clip = encode_lossless(frames, output)
        by_time = {f.capture_time_ns: f.pts_s for f in frames}
        known = [kept for kept in results if kept.capture_time_ns in by_time]
        times = [by_time[kept.capture_time_ns] for kept in known]
        return _Made(clip, known, times, stream_copy=False) if known else None


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """A clip, and which results belong to it."""

    clip: Clip
    results: Sequence[KeptResult]
    times_s: Sequence[float]
    """Of each result, on the clock of `clip.pts_s`."""
    stream_copy: bool

    def placed(self) -> list[tuple[int, KeptResult]]:
        """Return the results with the place of their frame in the clip."""
        pts_s = np.array(self.clip.pts_s)
        places = [int(np.abs(pts_s - time_s).argmin()) for time_s in self.times_s]
        return [
            (place, kept)
            for place, kept, time_s in zip(places, self.results, self.times_s, strict=True)
            if abs(pts_s[place] - time_s) <= _SAME_S
        ]


def _until(read: Callable[[], Frame | None], last_s: float) -> Iterator[Frame]:
    while (frame := read()) is not None and frame.pts_s <= last_s + _SAME_S:
        yield frame


def _write(path: Path, clip_path: Path, made: _Made, recent: Recent, request: ReplayRequest) -> int:
    """Write the zip and play it once; return how many results do not belong to their frame."""
    pts_s, source = made.clip.pts_s, recent.source
    placed = made.placed()
    times_s = tuple(time_s - pts_s[0] for time_s in pts_s)
    manifest = ReplayManifest(
        source=source.uri,
        name=source.name,
        live=source.live,
        fps=source.fps,
        clip_times_s=made.clip.clip_times_s,
        pts_s=times_s,
        stream_copy=made.stream_copy,
        made_with=request.made_with,
    )
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        archive.writestr(MANIFEST, manifest_text(manifest))
        archive.writestr(SETTINGS, settings_text(request.settings))
        with archive.open(RESULTS, "w") as lines:
            for place, kept in placed:
                lines.write(_line(place, times_s[place], kept, request.class_names))
        archive.write(clip_path, CLIP, zipfile.ZIP_STORED)
    checks = {place: kept.check for place, kept in placed if kept.check is not None}
    with closing(open_replay(path)) as source_again:
        right = sum(
            checks.get(frame.frame_index) == frame_check(frame.image)
            for frame in iter(source_again.read, None)
        )
    return len(checks) - right


def _line(place: int, time_s: float, kept: KeptResult, names: Sequence[str | None]) -> bytes:
    """Return a result as the labels of the replay say it, and where it comes from."""
    width, height = kept.size_wh
    nothing = np.broadcast_to(np.uint8(0), (height, width, 3))
    frame = Frame(nothing, width, height, place, time_s, kept.capture_time_ns)
    detections = kept.detections
    record = frame_record(SinkItem(frame, detections, None, inferred=True), names)
    record |= {
        "source_frame_index": kept.frame_index,
        "source_pts_s": round(kept.pts_s, 6),
        "threshold": kept.threshold,
        "optimizations": kept.optimizations.describe_changes() or "default",
    }
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"


def _sentence(path: Path, made: _Made, wrong: int, recent: Recent) -> str:
    times = made.clip.pts_s
    count = len(made.clip.pts_s)
    length_s = times[-1] - times[0]
    how = "" if made.stream_copy else ", encoded without loss"
    text = (
        f"Saved the last {length_s:.1f} s as {path.name} in {path.parent}: {count} frames{how}, "
        f"{len(made.results)} with results."
    )
    run_s = recent.results[-1].pts_s - recent.results[0].pts_s
    if length_s < NEARLY * run_s:
        text += (
            " It is shorter than asked for: what this live source sent before is not kept (the "
            "memory for it is limited, and begins anew when it is opened again)."
        )
    elif recent.shorter:
        text += f" It is shorter than asked for: {recent.shorter}."
    if wrong:
        text += f" {wrong} of them do not decode to the same picture again: the stream was damaged."
    unseen = sum(kept.check is None for kept in made.results)
    if unseen:
        text += f" {unseen} stayed on the GPU, so that they cannot be compared with the file."
    return text
