"""Index of a file: the time stamps of all its frames, found by reading packets, not decoding."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from rfviewer import log
from rfviewer.errors import SourceError
from rfviewer.sources.decoder import Damage, PacketDecoder
from rfviewer.sources.media import OpenMedia, RefusedError, Target, open_media
from rfviewer.sources.programs import WHOLE, Part
from rfviewer.sources.timeline import longest_step_s

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_MAX_PACKETS = 2_000_000
"""18 hours at 30 frames per second; 48 MB of memory."""
_CHECK_EVERY = 1024
"""Packets between two looks at the clock."""


@dataclass(frozen=True, slots=True, eq=False)
class PacketIndex:
    """Time stamps in units of the stream, in presentation order."""

    pts: NDArray[np.int64]
    """(N,) sorted time stamps."""
    key_pts: NDArray[np.int64]
    """(K,) sorted time stamps of key frames."""
    end_pts: int
    """Time stamp at which the last frame ends."""
    exact: bool
    """Whether each frame can be found by its time stamp: all have one, all differ, and the clock
    has no break."""

    def place(self, pts: int) -> int:
        """Return the place of the frame shown at `pts`."""
        return bisect_right(self.pts, pts) - 1

    def keys_back_from(self, pts: int) -> list[int]:
        """Return the three nearest key frames at or before `pts`, nearest first."""
        end = bisect_right(self.key_pts, pts)
        return [int(v) for v in self.key_pts[max(0, end - 3) : end][::-1]]

    def has_key_between(self, after: int, until: int) -> bool:
        """Tell whether a key frame lies in (after, until]."""
        return bisect_right(self.key_pts, after) < bisect_right(self.key_pts, until)

    def between(self, after: int, before: int) -> list[int]:
        """Return the time stamps of the frames shown after the one and before the other."""
        first, end = bisect_right(self.pts, after), bisect_left(self.pts, before)
        return [int(v) for v in self.pts[first:end]]

    def contains(self, pts: int) -> bool:
        """Tell whether a frame has exactly this time stamp."""
        place = bisect_left(self.pts, pts)
        return place < len(self.pts) and int(self.pts[place]) == pts


def build_index(
    target: Target,
    budget_s: float,
    interrupted: Callable[[], bool],
    parts: Sequence[Part] = (WHOLE,),
) -> PacketIndex | None:
    """Read all packets of `target` and return its index; None when that takes too long.

    Opens the file a second time, so the reader's position stays. Blocks up to `budget_s`. In a file
    of several `parts` the index counts frames, and is not exact.

    Raises:
        SourceError: when the file cannot be opened any more.
    """
    gathered = _Gathered(time.monotonic() + budget_s, interrupted)
    for number, part in enumerate(parts):
        try:
            media = open_media(target, part)
        except RefusedError:
            if number == 0:
                raise
            break  # playing ends here too
        except SourceError:
            if len(parts) == 1:
                raise
            continue
        try:
            whole = gathered.read(media)
        except av.FFmpegError as error:
            log.source.info("index of %s failed: %s", target.subject, error)
            return None
        finally:
            media.container.close()
        if not whole:
            count = len(gathered.pts)
            log.source.info("index of %s given up after %d packets", target.subject, count)
            return None
    return gathered.index(exact=len(parts) == 1)


class _Gathered:
    """What the packets say."""

    def __init__(self, deadline_s: float, interrupted: Callable[[], bool]) -> None:
        self._deadline_s = deadline_s
        self._interrupted = interrupted
        self.pts: list[int] = []
        self._keys: list[int] = []
        self._end = 0
        self._complete = self._in_order = True
        self._mislabelled = False

    def read(self, media: OpenMedia) -> bool:
        """Read all packets of `media`; False when that takes too long.

        Raises:
            av.FFmpegError: they cannot be read.
        """
        longest = longest_step_s(media.container.format.name) / float(media.stream.time_base)
        last_dts = None
        decoder = PacketDecoder(media.container, media.stream, Damage(), self._interrupted)
        while (packet := decoder.next_packet()) is not None:
            if packet.is_discard or _is_hidden(media.codec, packet):
                continue
            self._add(packet)
            if packet.dts is not None:
                if last_dts is not None and not 0 <= packet.dts - last_dts <= longest:
                    self._complete = False
                last_dts = packet.dts
            if len(self.pts) % _CHECK_EVERY == 0 and (
                len(self.pts) > _MAX_PACKETS
                or time.monotonic() > self._deadline_s
                or self._interrupted()
            ):
                return False
        # Some MXF files give the order of decoding as presentation time: no frame is found by that.
        self._mislabelled |= self._in_order and bool(media.stream.codec_context.has_b_frames)
        return True

    def _add(self, packet: "Packet[VideoStream]") -> None:
        if packet.pts is None:
            self._complete = False
            self.pts.append(self.pts[-1] + 1 if self.pts else 0)
            return
        self.pts.append(packet.pts)
        self._in_order &= packet.pts == packet.dts
        self._end = max(self._end, packet.pts + (packet.duration or 0))
        if packet.is_keyframe:
            self._keys.append(packet.pts)

    def index(self, *, exact: bool) -> PacketIndex | None:
        """Return the index, `exact` only if nothing speaks against it; None without packets."""
        if not self.pts:
            return None
        order = np.sort(np.array(self.pts, np.int64))
        exact &= self._complete and not self._mislabelled and bool(self._keys)
        exact &= bool(np.all(np.diff(order) > 0))
        end = self._end
        if end <= order[-1]:  # the last frame does not say how long it lasts
            end = int(order[-1] + np.median(np.diff(order))) if len(order) > 1 else int(order[-1])
        return PacketIndex(order, np.unique(np.array(self._keys, np.int64)), end, exact)


def _is_hidden(codec: str, packet: "Packet[VideoStream]") -> bool:
    """Tell whether a VP8 packet holds a reference that is never shown (RFC 6386, 9.1)."""
    return codec in ("vp8", "libvpx") and not memoryview(packet)[0] & 0x10
