"""A number of frames in words."""


def frames_text(count: int) -> str:
    """Return e.g. "1 frame" or "12 frames"."""
    return "1 frame" if count == 1 else f"{count} frames"


def frames_are(count: int) -> str:
    """Return e.g. "1 frame is" or "12 frames are", as the beginning of a clause."""
    return f"{frames_text(count)} {'is' if count == 1 else 'are'}"
