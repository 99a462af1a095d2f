"""The test pattern: always the same, and its number can be read back."""

import numpy as np
import pytest

from rfviewer.errors import UsageError
from rfviewer.frame import SourceKind
from rfviewer.sources.factory import open_source
from rfviewer.sources.synthetic import read_frame_index, write_frame_index
from tests.sources.makers import make_clip, numbers, read_all


def test_endless_and_deterministic():
    source, again = open_source("synthetic:320x240@50"), open_source("synthetic:320x240@50")
    info = source.info
    assert (info.width, info.height, info.fps, info.kind) == (320, 240, 50, SourceKind.SYNTHETIC)
    assert (info.frame_count, info.duration_s, info.seekable, info.live) == (
        None,
        None,
        True,
        False,
    )
    frames, others = read_all(source, 20), read_all(again, 20)
    assert numbers(frames) == list(range(20))
    assert [f.pts_s for f in frames] == pytest.approx([i / 50 for i in range(20)])
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, others, strict=True))
    assert not np.array_equal(frames[0].image, frames[1].image)
    assert frames[0].image is not frames[1].image


def test_a_limited_one_ends_and_can_be_searched():
    source = open_source("synthetic:96x64@10,frames=5")
    assert (source.info.frame_count, source.info.duration_s) == (5, 0.5)
    assert numbers(read_all(source)) == [0, 1, 2, 3, 4]
    source.seek(0.3)
    assert source.read().frame_index == 3
    source.seek_before(0.3)
    assert source.read().frame_index == 2
    source.seek(99)
    assert source.read().frame_index == 4
    source.seek_before(-5)
    assert source.read().frame_index == 0
    source.interrupt()
    assert source.read() is None


@pytest.mark.parametrize("size", [(48, 48), (97, 63), (312, 176), (1920, 1080)])
@pytest.mark.parametrize("number", [0, 1, 537, (1 << 20) - 1])
def test_the_number_survives(size, number):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    write_frame_index(image, number)
    assert read_frame_index(image) == number


def test_an_image_without_number_gives_none():
    assert read_frame_index(np.zeros((96, 160, 3), np.uint8)) is None
    assert read_frame_index(np.full((96, 160, 3), 255, np.uint8)) is None


def test_the_number_survives_strong_compression(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 30, (312, 176), options={"crf": "40"})
    source = open_source(str(clip))
    assert numbers(read_all(source)) == list(range(30))
    source.close()


@pytest.mark.parametrize(
    "text",
    ["synthetic:10x10@30", "synthetic:x@30", "synthetic:99999x99999@1", "synthetic:320x240@0",
     "synthetic:320x240@2000", "synthetic:320x240@30,frames=0", "synthetic:320x240,speed=2"],
)  # fmt: skip
def test_nonsense(text):
    with pytest.raises(UsageError):
        open_source(text)
