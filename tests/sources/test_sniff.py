"""Files are opened by what they are where their name is wrong."""

import av
import cv2
import numpy as np
import pytest
from av.codec.codec import UnknownCodecError

from rfviewer.errors import SourceError
from rfviewer.frame import SourceKind
from rfviewer.sources.factory import open_source
from tests.sources.makers import make_clip, read_all


def _animate(path, codec, container, count=5):
    try:
        av.Codec(codec, "w")
    except UnknownCodecError:
        pytest.skip(f"this FFmpeg writes no {codec}")
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=10)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "rgb24" if codec == "apng" else "yuv420p"
        for level in range(count):
            image = np.full((48, 64, 3), level * 40, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        out.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [("a.png", "apng", "apng"), ("a.webp", "libwebp_anim", "webp")],
)
def test_an_animated_picture_plays_whole(tmp_path, name, codec, container):
    _animate(tmp_path / name, codec, container)
    source = open_source(str(tmp_path / name))
    frames = read_all(source)
    source.close()
    levels = [int(frame.image.mean()) for frame in frames]
    assert len(levels) == 5
    assert levels == sorted(levels)
    assert levels[-1] > levels[0] + 100


def test_a_still_picture_stays_a_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "still.png"), np.zeros((8, 8, 3), np.uint8))
    source = open_source(str(tmp_path / "still.png"))
    assert source.info.kind is SourceKind.IMAGES
    source.close()


def test_a_video_with_the_name_of_a_picture_plays(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", count=4)
    wrong = clip.rename(tmp_path / "clip.jpg")
    source = open_source(str(wrong))
    assert len(read_all(source)) == 4
    source.close()


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXTINF:2,\nfile:///etc/hostname\n", "ffconcat version 1.0\nfile a\n", "v=0\n"],
)
def test_a_playlist_says_what_it_is(tmp_path, text):
    (tmp_path / "list.mp4").write_text(text)
    with pytest.raises(SourceError, match=r"list\.mp4 is a playlist"):
        open_source(str(tmp_path / "list.mp4"))
