"""The shared-memory ring: newest wins, nothing torn, sizes may change."""

from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from rfviewer.session.ring import ImageRing, missing_shared_memory, ring_bytes
from rfviewer.snapshot import PresentedFrame

IMAGE_BYTES = 64 * 48 * 4


def frame(
    index: int, width: int = 64, height: int = 48, age_s: float | None = 0.25
) -> PresentedFrame:
    image = np.full((height, width, 4), index % 251, np.uint8)
    return PresentedFrame(image, index, index / 25, 3, 1000 + index, age_s)


@pytest.fixture
def ends() -> Iterator[tuple[ImageRing, ImageRing]]:
    segment = SharedMemory(create=True, size=ring_bytes(IMAGE_BYTES))
    other = SharedMemory(segment.name)
    writer, reader = ImageRing(segment, IMAGE_BYTES), ImageRing(other, IMAGE_BYTES)
    yield writer, reader
    reader.close()
    writer.close()
    segment.unlink()


def test_an_image_arrives_once_with_all_that_belongs_to_it(
    ends: tuple[ImageRing, ImageRing],
) -> None:
    writer, reader = ends
    assert reader.read() is None
    writer.write(frame(7))
    got = reader.read()
    assert got is not None
    assert (got.frame_index, got.pts_s, got.epoch, got.capture_time_ns) == (7, 0.28, 3, 1007)
    assert got.masks_age_s == 0.25
    assert np.array_equal(got.image, frame(7).image)
    assert reader.read() is None


def test_the_newest_wins_and_the_writer_knows_when_one_was_taken(
    ends: tuple[ImageRing, ImageRing],
) -> None:
    writer, reader = ends
    assert writer.wants_image
    for index in range(10):
        writer.write(frame(index))
    assert not writer.wants_image
    got = reader.read()
    assert got is not None
    assert got.frame_index == 9
    assert writer.wants_image


def test_size_and_missing_masks_may_change_from_image_to_image(
    ends: tuple[ImageRing, ImageRing],
) -> None:
    writer, reader = ends
    for width, height, age_s in [(64, 48, None), (31, 17, 0.0), (1, 1, 2.5)]:
        writer.write(frame(1, width, height, age_s))
        got = reader.read()
        assert got is not None
        assert got.image.shape == (height, width, 4)
        assert got.masks_age_s == age_s


def test_an_image_being_written_is_not_read(ends: tuple[ImageRing, ImageRing]) -> None:
    writer, reader = ends
    writer.write(frame(1))
    writer._slots["sequence"][1] += 1  # as in the middle of a write
    assert reader.read() is None


def test_the_copy_survives_later_writes(ends: tuple[ImageRing, ImageRing]) -> None:
    writer, reader = ends
    writer.write(frame(1))
    got = reader.read()
    assert got is not None
    for index in range(2, 9):
        writer.write(frame(index))
    assert int(got.image[0, 0, 0]) == 1


def test_too_little_shared_memory_is_told_before_it_kills_the_writer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rfviewer.session.ring._SHARED_MEMORY", tmp_path)
    assert missing_shared_memory(1000) == ""
    sentence = missing_shared_memory(10**18)
    assert "shared memory" in sentence
    assert "--shm-size" in sentence
    monkeypatch.setattr("rfviewer.session.ring._SHARED_MEMORY", tmp_path / "nowhere")
    assert missing_shared_memory(10**18) == ""
