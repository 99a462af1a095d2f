"""Folders and patterns of images."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from rfviewer.errors import SourceError, UsageError
from rfviewer.frame import SourceKind
from rfviewer.sources.factory import open_source
from rfviewer.sources.image_size import image_size
from tests.sources.makers import ffmpeg, numbered_images, numbers, read_all


@pytest.fixture
def folder(tmp_path):
    for number, image in enumerate(numbered_images(12)):
        assert cv2.imwrite(str(tmp_path / f"shot{number}.png"), image)
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def test_a_folder_in_natural_order(folder):
    source = open_source(str(folder))
    info = source.info
    assert (info.kind, info.frame_count, info.fps) == (SourceKind.IMAGES, 12, 1.0)
    assert (info.width, info.height, info.name) == (160, 96, folder.name)
    frames = read_all(source)
    assert numbers(frames) == list(range(12))
    assert [f.pts_s for f in frames] == list(range(12))
    source.seek(4.5)
    assert numbers([source.read()]) == [5]
    source.seek_before(5)
    assert numbers([source.read()]) == [4]
    source.seek(100)
    assert numbers(read_all(source)) == [11]
    source.seek_before(0)
    assert numbers([source.read()]) == [0]
    source.close()


def test_a_pattern_and_a_rate(folder):
    source = open_source(f"{folder}/shot1*.png?fps=10")
    frames = read_all(source)
    assert numbers(frames) == [1, 10, 11]
    assert [f.pts_s for f in frames] == pytest.approx([0.0, 0.1, 0.2])
    source.close()
    source = open_source(f"{folder}?fps=4")
    assert source.info.duration_s == 3.0
    source.close()


def test_frames_carry_the_names_of_their_files(folder):
    source = open_source(f"{folder}/shot1*.png")
    assert [frame.name for frame in read_all(source)] == ["shot1.png", "shot10.png", "shot11.png"]
    source.close()
    source = open_source(str(folder / "shot3.png"))
    assert source.read().name == "shot3.png"
    source.close()


def test_equal_names_in_several_folders_are_told_apart(folder):
    for name in ("left", "right"):
        (folder / name).mkdir()
        (folder / f"shot{len(name)}.png").rename(folder / name / "x.png")
    source = open_source(f"{folder}/*/x.png")
    assert [frame.name for frame in read_all(source)] == ["left/x.png", "right/x.png"]
    source.close()


def test_one_image(folder):
    source = open_source(str(folder / "shot3.png"))
    assert source.info.name == "shot3.png"
    assert numbers(read_all(source)) == [3]
    source.close()


def test_each_in_its_own_size_and_upright(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((40, 60, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "2.jpg"), numbered_images(8, 120, 80)[7])
    data = (tmp_path / "2.jpg").read_bytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    (tmp_path / "2.jpg").write_bytes(data[:2] + segment + data[2:])
    source = open_source(str(tmp_path))
    first, second = read_all(source)
    assert (first.width, first.height) == (60, 40)
    assert (second.width, second.height) == (80, 120)
    assert numbers(
        [type(second)(np.ascontiguousarray(np.rot90(second.image)), 120, 80, 0, 0.0, 0)]
    ) == [7]
    source.close()


def test_gray_and_16_bit_and_transparent_images(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8), 128, np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((8, 8, 3), 128 * 257, np.uint16))
    cv2.imwrite(str(tmp_path / "c.png"), np.full((8, 8, 4), 128, np.uint8))
    source = open_source(str(tmp_path))
    assert all((f.image == 128).all() for f in read_all(source))
    source.close()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_transparency_does_not_darken(tmp_path, suffix):
    """Of a TIFF libtiff returns colours multiplied with alpha; nobody else does that."""
    picture = np.full((40, 60, 4), (200, 100, 50, 255), np.uint8)
    picture[:, :, 3] = np.linspace(60, 255, 60).astype(np.uint8)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        ffmpeg_still(picture, path)
    else:
        assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_WEBP_QUALITY, 101])
    source = open_source(str(path))
    image = source.read().image
    assert np.abs(image.astype(int) - picture[:, :, :3]).max() <= 3
    source.close()


def ffmpeg_still(picture, path) -> None:
    """Write BGRA as a TIFF that says its alpha is not multiplied in, as ffmpeg does."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(picture.tobytes())
    size = f"{picture.shape[1]}x{picture.shape[0]}"
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "bgra", "-s", size, "-i", raw),
        *("-frames:v", "1", "-pix_fmt", "rgba", path),
    )


def test_broken_images_are_left_out_and_counted(folder):
    (folder / "shot4.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (folder / "shot5.png").write_bytes((folder / "shot6.png").read_bytes()[:60])
    source = open_source(str(folder))
    assert numbers(read_all(source)) == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]
    assert source.damaged == 2
    source.seek_before(6)
    assert numbers([source.read()]) == [3]
    source.close()


def test_a_refusal_is_told_once(tmp_path, caplog):
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(SourceError, match="is no image that can be read here"):
        open_source(str(tmp_path / "a.png"))
    assert caplog.records == []
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((40, 60, 3), np.uint8))
    open_source(str(tmp_path)).close()
    assert [record.message.startswith("left out: a.png") for record in caplog.records] == [True]


def test_nothing_but_the_sentence_is_written(tmp_path, capfd):
    cv2.imwrite(str(tmp_path / "a.png"), numbered_images(1)[0])
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="is no image that can be read here"):
        open_source(str(tmp_path / "a.png"))
    assert capfd.readouterr() == ("", "")


def test_nothing_to_show(tmp_path):
    with pytest.raises(SourceError, match="holds no images"):
        open_source(str(tmp_path))
    with pytest.raises(SourceError, match="No image matches"):
        open_source(f"{tmp_path}/*.png")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"a\.png is no image"):
        open_source(str(tmp_path))
    for rate in ("0", "abc", "-1", "1e9", "nan", ""):
        with pytest.raises(UsageError, match=rf"\?fps={rate} is no rate"):
            open_source(f"{tmp_path}?fps={rate}")


def test_a_bomb_is_refused_undecoded(tmp_path, monkeypatch):
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    chunk = (
        struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(SourceError, match="40000x40000 pixels, more than 100 megapixels"):
        open_source(str(tmp_path / "bomb.png"))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif", ".ppm"])
def test_sizes_are_read_from_headers(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    assert cv2.imwrite(str(path), np.zeros((37, 61, 3), np.uint8))
    data = path.read_bytes()
    assert image_size(data) == (61, 37)
    for length in range(60):
        image_size(data[:length])  # a cut header must not raise
