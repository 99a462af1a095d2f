"""H.264 in fragmented MP4: what is on disk can be played at any moment, also after a crash."""

from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.video.codeccontext
import av.video.stream
from av.video.reformatter import ColorRange, Colorspace

from rfviewer.frame import U8Array
from rfviewer.sinks.faults import MEDIA_ERRORS
from rfviewer.sinks.picture import even_size, fit

TIME_BASE = Fraction(1, 90_000)
"""Fine enough for every frame rate, variable ones included; the clock of MPEG."""
FRAGMENT_S = 0.25
"""A crash loses at most the fragment being filled."""
_KEYFRAME_EVERY_S = 1.0
_BT709 = 1
"""Colour space, primaries and transfer "BT.709" (ITU-T H.273, tables 2 to 4)."""


class FragmentEncoder:
    """Encodes BGRA frames into one file, from the first frame's size on. Used by one thread."""

    def __init__(
        self, path: Path, width: int, height: int, fps: float, metadata: dict[str, str]
    ) -> None:
        """Create the file, whose name must be free.

        Raises:
            MEDIA_ERRORS: when it cannot be created.
        """
        self.width, self.height = even_size(width, height)
        path.touch(exist_ok=False)
        self._container = av.open(
            f"file:{path}",
            "w",
            format="mp4",
            options={
                "movflags": "frag_keyframe+empty_moov+default_base_moof+use_metadata_tags",
                "frag_duration": str(int(FRAGMENT_S * 1e6)),
                "flush_packets": "1",
                "video_track_timescale": str(TIME_BASE.denominator),
            },
        )
        self._container.metadata.update(metadata)
        self._stream = self._add_stream(fps)
        self._last_pts = -1
        self._keyframe_pts = -1
        self.end_pts = 0
        """End of the last frame in `TIME_BASE`."""

    def encode(self, image: U8Array, time_s: float, duration_s: float) -> None:
        """Append a frame at `time_s`; a time that does not increase is moved on by a tick.

        Raises:
            MEDIA_ERRORS: when the file cannot be written.
        """
        picture = av.VideoFrame.from_ndarray(fit(image, self.width, self.height), format="bgra")
        frame = picture.reformat(
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            dst_colorspace=Colorspace.ITU709,
        )
        pts = max(round(time_s * TIME_BASE.denominator), self._last_pts + 1)
        duration = max(1, round(duration_s * TIME_BASE.denominator))
        frame.pts, frame.time_base, frame.duration = pts, TIME_BASE, duration
        if self._keyframe_pts < 0 or pts - self._keyframe_pts >= _KEYFRAME_EVERY_S / TIME_BASE:
            frame.pict_type = av.video.frame.PictureType.I
            self._keyframe_pts = pts
        self._last_pts, self.end_pts = pts, pts + duration
        for packet in self._stream.encode(frame):
            packet.duration = duration  # libx264 leaves it out, and the last one counts
            self._container.mux(packet)

    def close(self) -> None:
        """Flush the encoder and complete the file.

        Raises:
            MEDIA_ERRORS: when the file cannot be written.
        """
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()

    def abandon(self) -> None:
        """Close the file after a write error: what is in it stays, nothing more can be added."""
        try:
            self._container.close()
        except MEDIA_ERRORS:
            # It repeats the error that led here, which was reported; the file handle is closed.
            return

    def _add_stream(self, fps: float) -> av.video.stream.VideoStream:
        stream = self._container.add_stream(
            "libx264",
            rate=Fraction(fps).limit_denominator(1001),
            options={
                "preset": "veryfast",
                "crf": "18",
                "profile": "high",
                # No lookahead and no reordering: what was written is on disk, not in the encoder.
                "tune": "zerolatency",
            },
        )
        stream.width, stream.height = self.width, self.height
        stream.pix_fmt = "yuv420p"
        stream.time_base = TIME_BASE
        codec: av.video.codeccontext.VideoCodecContext = stream.codec_context
        codec.time_base = TIME_BASE
        codec.gop_size = max(1, round(fps * _KEYFRAME_EVERY_S))
        codec.color_range = ColorRange.MPEG
        codec.colorspace = codec.color_primaries = codec.color_trc = _BT709
        return stream
