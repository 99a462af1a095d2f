"""Reading a container from any place: decoded frames, each with its time and its number."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from av.video.frame import VideoFrame

from rfviewer.decode import Decode, DecodeState
from rfviewer.sources.decoder import Damage, PacketDecoder
from rfviewer.sources.device_frames import let_go
from rfviewer.sources.hardware import (
    ON_CPU,
    Decoding,
    HardwareRefusedError,
    OneDecoder,
    SwitchingDecoder,
)
from rfviewer.sources.media import (
    OpenMedia,
    Target,
    sample_aspect_of,
)
from rfviewer.sources.orientation import UPRIGHT, Orientation, orientation_of
from rfviewer.sources.parts import PartOpener
from rfviewer.sources.programs import Part
from rfviewer.sources.timeline import Timeline, longest_step_s

if TYPE_CHECKING:
    from rfviewer.sources.index import PacketIndex
    from rfviewer.sources.packet_history import PacketHistory

DEFAULT_FPS = 25.0
"""For sources without time stamps and without a rate; FFmpeg's own default."""
_PLAUSIBLE_FPS = (0.1, 1000.0)


@dataclass(frozen=True, slots=True, eq=False)
class StampedFrame:
    """A decoded frame with its place in the source."""

    frame: VideoFrame
    pts_s: float
    """Seconds from the first frame."""
    frame_index: int
    """Place in presentation order; an estimate after a seek without an index."""
    aspect: Fraction | None
    """Width by height of one pixel as the source says; None when it does not."""
    orientation: Orientation
    """How it must be turned to be upright."""


def nominal_fps(media: OpenMedia) -> float | None:
    """Return the frame rate that the container or the codec states; None when it is absurd."""
    for rate in (media.stream.guessed_rate, media.stream.average_rate, media.stream.base_rate):
        if rate and _PLAUSIBLE_FPS[0] <= float(rate) <= _PLAUSIBLE_FPS[1]:
            return float(rate)
    return None


class MediaReader:
    """Frames of one source in presentation order, from the beginning or from a key frame."""

    def __init__(
        self,
        target: Target,
        interrupted: Callable[[], bool],
        history: "PacketHistory | None" = None,
        decoding: Decoding = ON_CPU,
    ) -> None:
        """Open `target`; work stops soon once `interrupted()` is true; `history` keeps packets.

        Raises:
            SourceError: when it cannot be opened.
        """
        self._target = target
        self._history = history
        self._interrupted = interrupted
        self._damage = Damage()
        opens = decoding.open_hardware
        self._hardware = None if opens is None else OneDecoder(opens)
        self._switching: SwitchingDecoder | None = None
        self.decode = DecodeState(
            decoding.requested, Decode.CPU if self._hardware is None else Decode.GPU
        )
        """What decodes now. Replaced as a whole, so that any thread may read it."""
        self.last: StampedFrame | None = None
        """The frame returned last; None at the beginning and after a seek."""
        self._opener = PartOpener(target, self._damage)
        self._size = (0, 0)
        self._aspect: Fraction | None = None
        self._orientation = UPRIGHT
        self.media = self._opener.first()
        self.index: PacketIndex | None = None
        """Set by the owner once known; no longer exact when decoding contradicts it."""
        self.fps = nominal_fps(self.media)
        """Stated frames per second, or None."""
        time_base = self.media.stream.time_base
        self.timeline = Timeline(
            Fraction(time_base.numerator, time_base.denominator),
            self.fps or DEFAULT_FPS,
            longest_step_s(self.media.container.format.name),
        )
        # AVI has no presentation times, so with B-frames those that FFmpeg makes up are wrong.
        reorders = self.media.stream.codec_context.reorder_depth > 0
        self.timeline.by_count = reorders and self.media.container.format.name == "avi"
        self.without_stamps = False
        """Whether frames came without time stamps."""
        self._begin()

    @property
    def damaged(self) -> int:
        """Damaged frames met so far."""
        return self._damage.count

    @property
    def parts(self) -> tuple[Part, ...]:
        """Stretches of the file that are opened one after the other: see `programs`."""
        return self._opener.parts

    def check_same_file(self) -> None:
        """Check that the name still leads to the file that was opened first.

        Raises:
            SourceError: it was replaced.
        """
        self._opener.check_same_file()

    @property
    def packets_tried(self) -> int:
        """Packets decoded since the last frame came out."""
        return self._decoder.packets_since_frame

    def close(self) -> None:
        """Close the file. Idempotent."""
        self.media.container.close()
        if self._hardware is not None:
            self._hardware.release()
        if self._switching is not None:
            self._switching.release()

    def start_over(self) -> None:
        """Go to the beginning by opening the source again, which works for every format.

        Raises:
            SourceError: when it cannot be opened any more.
        """
        media = self._opener.first()
        self.media.container.close()
        self.media = media
        self.timeline.restart()
        self._begin()

    def start_at_key(self, pts: int) -> bool:
        """Go to a key frame at or before `pts`, in units of the stream; False if there is none.

        Never in a file of several parts: their time stamps may begin again.
        """
        if len(self.parts) > 1:
            return False
        key_pts = self._decoder.seek(pts)
        if key_pts is None or key_pts > pts:
            return False
        self._from_pts, self._counting, self.last = key_pts, False, None
        return True

    def next(self) -> StampedFrame | None:
        """Return the next frame; None at the end or when interrupted.

        Raises:
            av.FFmpegError: when a network stream breaks.
            SourceError: the next part of the file may not be decoded.
        """
        while (frame := self._next_frame()) is not None:
            self._see_shape(frame)
            if self._counting:
                self.without_stamps |= frame.pts is None and frame.dts is None
                pts_s = self.timeline.next_s(frame)
                self._compare_with_index(frame, pts_s)
            elif frame.pts is None or frame.pts < self._from_pts:
                continue  # lacks the references before the key frame
            else:
                pts_s = self.timeline.direct_s(frame.pts)
            if self._aspect not in (None, 1) or self._orientation != UPRIGHT:
                let_go(frame)  # pixels are made square and turned on the host
            self.last = StampedFrame(
                frame, pts_s, self._place(frame, pts_s), self._aspect, self._orientation
            )
            self._count += 1
            return self.last
        if self._counting and not self._interrupted():
            self._count_lost(None)
        return None

    def delivered(self, *, on_device: bool) -> None:
        """Note whether the picture of the frame that is handed on stays on the GPU."""
        if on_device is not self.decode.on_device:
            self.decode = replace(self.decode, on_device=on_device)

    def _see_shape(self, frame: VideoFrame) -> None:
        # Between key frames the codec may be ahead of the frames that it held back for their order,
        # and a turn is told by key frames alone.
        size = (frame.width, frame.height)
        if frame.key_frame or size != self._size:
            self._size, self._aspect = size, sample_aspect_of(self.media)
            self._orientation = orientation_of(frame) or UPRIGHT

    def first_place(self) -> int:
        """Return the place in the index of the first frame that could be decoded."""
        if self.index is None or self.timeline.base is None or not self.index.exact:
            return 0
        return max(0, self.index.place(self.timeline.base))

    def _begin(self) -> None:
        self._decoder = self._make_decoder()
        self._counting, self._count, self._from_pts = True, 0, 0
        self.last = None

    def _make_decoder(self) -> PacketDecoder:
        self._damage.part = self._opener.number
        if self._switching is not None:
            self._switching.release()
        self._switching = self._make_switching()
        return PacketDecoder(
            self.media.container,
            self.media.stream,
            self._damage,
            self._interrupted,
            self._history,
            self._switching,
        )

    def _last_s(self) -> float:
        return 0.0 if self.last is None else self.last.pts_s

    def _next_frame(self) -> VideoFrame | None:
        """Return the next frame of this part or of one behind it."""
        while (frame := self._decoder.next_frame()) is None:
            following = None if self._interrupted() else self._opener.following(self._last_s())
            if following is None:
                return None
            self.media.container.close()
            self.media = following
            self._decoder = self._make_decoder()
        return frame

    def _make_switching(self) -> SwitchingDecoder | None:
        if self._hardware is None:
            return None
        software = self.media.stream.codec_context
        try:
            hardware = self._hardware(software, self._target.remote)
        except HardwareRefusedError as error:
            self._refuse(str(error))
            return None
        return SwitchingDecoder(software, hardware, self._refuse)

    def _refuse(self, reason: str) -> None:
        """Decode on the CPU from now on, also after the source is opened again."""
        self._hardware = None
        self.decode = replace(self.decode, effective=Decode.CPU, reason=reason)

    def _place(self, frame: VideoFrame, pts_s: float) -> int:
        if self.index is not None and self.index.exact and frame.pts is not None:
            return self.index.place(frame.pts) - self.first_place()
        return self._count if self._counting else round(pts_s * (self.fps or DEFAULT_FPS))

    def _compare_with_index(self, frame: VideoFrame, pts_s: float) -> None:
        """Count packets that silently gave no frame as damage.

        Where such packets leave no gap in time the index counts otherwise than decoding, as with
        fields in packets of their own, and is trusted no longer.
        """
        if self.index is None or not self.index.exact or self.last is None:
            return
        if pts_s - self.last.pts_s > 1.5 / (self.fps or DEFAULT_FPS):
            self._count_lost(frame.pts)
        elif self.last.frame.pts is None or frame.pts is None:
            return
        elif self.index.between(self.last.frame.pts, frame.pts):
            self.index = replace(self.index, exact=False)

    def _count_lost(self, before: int | None) -> None:
        """Count the frames missing between the last one and the one at `before`, or the end."""
        if self.index is None or not self.index.exact or self.last is None:
            return
        if self.last.frame.pts is not None:
            for pts in self.index.between(
                self.last.frame.pts, self.index.end_pts if before is None else before
            ):
                self._damage.add(pts)
