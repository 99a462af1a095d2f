"""What the window refuses before it appears, and what it leaves to the source."""

from pathlib import Path

import pytest

from rfviewer.errors import SourceError
from rfviewer.precheck import check_cheaply


@pytest.mark.parametrize(
    "source",
    ["demo", "demo:720p", "synthetic:64x48@25", "camera:99", "rtsp://camera/1", "shots/*.png"],
)
def test_left_to_the_source(source: str) -> None:
    check_cheaply(source)


@pytest.mark.parametrize("source", ["99", "nowhere.mp4", "a\0b.mp4", "x" * 5000])
def test_not_there(source: str) -> None:
    with pytest.raises(SourceError):
        check_cheaply(source)


def test_what_a_file_begins_with(tmp_path: Path) -> None:
    clip = tmp_path / "clip.MP4"
    clip.write_bytes(b"hello, world")
    with pytest.raises(SourceError, match="is a text file and no video"):
        check_cheaply(str(clip))
    clip.write_bytes(b"")
    with pytest.raises(SourceError, match="is empty"):
        check_cheaply(str(clip))
    clip.write_bytes(b"\0\0\0\x18ftypmp42")
    check_cheaply(str(clip))
    text_image = tmp_path / "a.ppm"
    text_image.write_text("P3 1 1 255 0 0 0")
    check_cheaply(str(text_image))
    check_cheaply(str(tmp_path))
