"""How long a recording is, from its packets: a header may say anything, or nothing yet."""

from pathlib import Path

import av

from rfviewer.sinks.faults import MEDIA_ERRORS


def length_s(path: Path) -> float:
    """Return the end of the last picture in seconds; 0 when nothing can be read. Decodes nothing.

    What can be read before a broken end counts.
    """
    end_s = 0.0
    try:
        with av.open(f"file:{path}") as container:
            for packet in container.demux(video=0):
                if packet.pts is not None and packet.time_base is not None:
                    end = packet.pts + (packet.duration or 0)
                    end_s = max(end_s, float(end * packet.time_base))
    except (*MEDIA_ERRORS, IndexError):
        return end_s
    return end_s
