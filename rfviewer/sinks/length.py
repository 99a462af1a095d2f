"""How long recordings are, from what is in them: a header may say anything, or nothing yet."""

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


def video_frames(path: Path) -> int:
    """Return how many pictures a video holds; of a broken one those before the break."""
    count = 0
    try:
        with av.open(f"file:{path}") as container:
            for packet in container.demux(video=0):
                count += packet.size > 0  # an empty one ends the stream
    except (*MEDIA_ERRORS, IndexError):
        return count
    return count


def labelled_frames(path: Path) -> int:
    """Return how many frames labels as JSONL are of; a line that was cut off does not count.

    Raises:
        OSError: when the file cannot be read.
    """
    with path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)
