"""A saved replay as a source: exactly the frames of the run, in its order and with its times."""

import tempfile
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path
from typing import override

from rfviewer.forwarding_source import ForwardingSource
from rfviewer.frame import Frame, SourceInfo, SourceKind
from rfviewer.interfaces import FrameSource
from rfviewer.sources.describe import decode_notice
from rfviewer.sources.explain import printable
from rfviewer.sources.hardware import ON_CPU, Decoding
from rfviewer.sources.media import Target
from rfviewer.sources.pyav_source import PyAvSource
from rfviewer.sources.replay_file import ReplayManifest, read_manifest, unpack_clip

_CLIP_FORMATS = ("matroska",)
_ROUNDING_S = 0.0015
"""Matroska rounds time stamps to 1 ms, at both ends of a difference."""
_SAME_S = 1e-6


class ReplaySource(ForwardingSource):
    """The clip of a replay file, unpacked into a private folder for as long as it is open.

    The clip begins at a key frame, so it may hold more frames than the run; those are skipped. The
    allow-lists for foreign media hold for the clip as for any other file.
    """

    def __init__(self, path: Path, decoding: Decoding = ON_CPU) -> None:
        """Unpack and open the replay at `path`.

        Raises:
            SourceError: one sentence.
        """
        self._name = printable(path.name)
        self._manifest = read_manifest(path)
        self._folder = tempfile.TemporaryDirectory(
            prefix="rfviewer-replay-", ignore_cleanup_errors=True
        )
        try:
            clip = unpack_clip(path, Path(self._folder.name))
            target = Target(
                f"file:{clip}", printable(str(path)), self._name, SourceKind.FILE, _CLIP_FORMATS
            )
            super().__init__(PyAvSource(target, decoding))
        except BaseException:
            self._folder.cleanup()
            raise
        self._to_start = True

    @property
    @override
    def info(self) -> SourceInfo:
        return _describe(super().info, self._manifest)

    @override
    def read(self) -> Frame | None:
        if self._to_start:
            self._go_to(0)
        while (frame := super().read()) is not None:
            place = self._place(frame.pts_s)
            if place is None:
                if frame.pts_s > self._manifest.clip_times_s[-1] + _ROUNDING_S:
                    return None
                continue
            times = self._manifest.pts_s
            duration_s = times[place + 1] - times[place] if place + 1 < len(times) else 0.0
            return replace(
                frame,
                frame_index=place,
                pts_s=times[place],
                duration_s=duration_s or frame.duration_s,
            )
        return None

    @override
    def seek(self, pts_s: float) -> None:
        times = self._manifest.pts_s
        self._go_to(min(bisect_left(times, pts_s - _SAME_S), len(times) - 1))

    @override
    def seek_before(self, pts_s: float) -> None:
        self._go_to(max(0, bisect_left(self._manifest.pts_s, pts_s - _SAME_S) - 1))

    @override
    def close(self) -> None:
        super().close()
        self._folder.cleanup()

    def _go_to(self, place: int) -> None:
        self._to_start = False
        self._source.seek(self._manifest.clip_times_s[place] - _ROUNDING_S)

    def _place(self, clip_time_s: float) -> int | None:
        """Return which frame of the run is shown then; None for one that is no part of it."""
        times = self._manifest.clip_times_s
        after = bisect_left(times, clip_time_s)
        near = min(
            (place for place in (after - 1, after) if 0 <= place < len(times)),
            key=lambda place: abs(times[place] - clip_time_s),
        )
        return near if abs(times[near] - clip_time_s) <= _ROUNDING_S else None


def open_replay(path: Path, decoding: Decoding = ON_CPU) -> FrameSource:
    """Open a replay file; blocks while it is unpacked.

    Raises:
        SourceError: one sentence.
    """
    return ReplaySource(path, decoding)


def _describe(clip: SourceInfo, manifest: ReplayManifest) -> SourceInfo:
    times = manifest.pts_s
    step_s = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.04
    how = "as it was received" if manifest.stream_copy else "encoded without loss"
    notices = (
        f"Replay of {printable(manifest.name)}, {how}.",
        printable(manifest.notice),
        decode_notice(clip.name, clip.decode),
    )
    return replace(
        clip,
        fps=manifest.fps or 1 / step_s,
        duration_s=times[-1] + step_s,
        frame_count=len(times),
        seekable=True,
        live=False,
        media_path="",
        notice=" ".join(filter(None, notices)),
    )
