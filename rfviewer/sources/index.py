"""Index of a file: the time stamps of all its frames, found by reading packets, not decoding."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from rfviewer import log
from rfviewer.sources.decoder import Damage, PacketDecoder
from rfviewer.sources.media import Target, open_media
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
    target: Target, budget_s: float, interrupted: Callable[[], bool]
) -> PacketIndex | None:
    """Read all packets of `target` and return its index; None when that takes too long.

    Opens the file a second time, so the reader's position stays. Blocks up to `budget_s`.

    Raises:
        SourceError: when the file cannot be opened any more.
    """
    media = open_media(target)
    deadline = time.monotonic() + budget_s
    pts: list[int] = []
    keys: list[int] = []
    complete, in_order, last_dts, end = True, True, None, 0
    longest = longest_step_s(media.container.format.name) / float(media.stream.time_base)
    try:
        decoder = PacketDecoder(media.container, media.stream, Damage(), interrupted)
        while (packet := decoder.next_packet()) is not None:
            if packet.is_discard or _is_hidden(media.codec, packet):
                continue
            if packet.pts is None:
                complete = False
                pts.append(pts[-1] + 1 if pts else 0)
            else:
                pts.append(packet.pts)
                in_order &= packet.pts == packet.dts
                end = max(end, packet.pts + (packet.duration or 0))
                if packet.is_keyframe:
                    keys.append(packet.pts)
            if packet.dts is not None:
                if last_dts is not None and not 0 <= packet.dts - last_dts <= longest:
                    complete = False
                last_dts = packet.dts
            if len(pts) % _CHECK_EVERY == 0 and (
                len(pts) > _MAX_PACKETS or time.monotonic() > deadline or interrupted()
            ):
                log.source.info("index of %s given up after %d packets", target.subject, len(pts))
                return None
    except av.FFmpegError as error:
        log.source.info("index of %s failed: %s", target.subject, error)
        return None
    finally:
        media.container.close()
    if not pts:
        return None
    order = np.sort(np.array(pts, np.int64))
    # Some MXF files give the order of decoding as presentation time: no frame is found by that.
    mislabelled = in_order and media.stream.codec_context.has_b_frames
    exact = complete and not mislabelled and bool(keys) and bool(np.all(np.diff(order) > 0))
    if end <= order[-1]:  # the last frame does not say how long it lasts
        end = int(order[-1] + np.median(np.diff(order))) if len(order) > 1 else int(order[-1])
    return PacketIndex(order, np.unique(np.array(keys, np.int64)), end, exact)


def _is_hidden(codec: str, packet: "Packet[VideoStream]") -> bool:
    """Tell whether a VP8 packet holds a reference that is never shown (RFC 6386, 9.1)."""
    return codec in ("vp8", "libvpx") and not memoryview(packet)[0] & 0x10
