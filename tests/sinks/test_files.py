"""Names, publishing and screenshots."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rfviewer.errors import SinkError
from rfviewer.sinks.names import free_path, recording_name, safe_stem, screenshot_name
from rfviewer.sinks.publish import publish
from rfviewer.sinks.screenshot import write_png

NOW = datetime(2026, 11, 23, 7, 8, 9, 45_600, tzinfo=UTC)


def test_names_follow_the_pattern():
    assert screenshot_name("traffic.mp4", 42, NOW) == "traffic-000042-070809045.png"
    assert recording_name("Integrated Camera", NOW) == "Integrated_Camera-20261123-070809.mp4"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\clips\\a.b.mp4", "a.b"),
        ("rtsp://cam.local:554/live?x=1", "live_x_1"),
        ("-i.mp4", "i"),
        ("<b>$(touch x)`y`|*?.mp4", "b_touch_x_y"),
        ("con.mp4", "_con"),
        ("aux.tar.gz", "_aux.tar"),
        ("...", "source"),
        ("", "source"),
        ("人 ö.mp4", "人_ö"),
        ("a\udcffb\0c\n.mp4", "a_b_c"),
        ("dir/", "dir"),
    ],
)
def test_hostile_source_names_become_plain(name, stem):
    assert safe_stem(name) == stem


@given(st.text())
def test_every_name_can_be_a_file(name):
    stem = safe_stem(name)
    assert stem
    assert stem == stem.strip(" .-")
    assert not set(stem) & set('/\\:*?"<>|\0\n')
    assert len(os.fsencode(screenshot_name(name, 10**7, NOW))) < 200


def test_a_free_path_is_found_beside_the_taken_ones(tmp_path):
    path = tmp_path / "a.png"
    assert free_path(path) == path
    path.touch()
    (tmp_path / "a-2.png").symlink_to("nowhere")
    assert free_path(path) == tmp_path / "a-3.png"


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_publishing_never_replaces_a_file(tmp_path, monkeypatch, links):
    if not links:

        def refuse(self, target):
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    target = tmp_path / "a.bin"
    names = []
    for content in ("one", "two", "three"):
        temporary = tmp_path / "t"
        temporary.write_text(content)
        names.append(publish(temporary, target, overwrite=False).name)
        assert not temporary.exists()
    assert names == ["a.bin", "a-2.bin", "a-3.bin"]
    assert target.read_text() == "one"
    (tmp_path / "t").write_text("four")
    assert publish(tmp_path / "t", target, overwrite=True) == target
    assert target.read_text() == "four"


@pytest.mark.parametrize("channels", [3, 4])
def test_a_screenshot_is_exact_and_carries_its_settings(tmp_path, channels):
    image = np.random.default_rng(0).integers(0, 256, (17, 33, channels), np.uint8)
    if channels == 4:
        image[..., 3] = 255
    path = tmp_path / "shot.png"
    metadata = {"software": "rfviewer 0.1", "größe": "ä 人 \0 \udcff", "source": "clip.mp4"}
    write_png(path, image, metadata)
    assert [p.name for p in tmp_path.iterdir()] == ["shot.png"]
    with Image.open(path) as picture:
        picture.load()
        assert picture.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(picture), image[..., 2::-1])
        assert picture.text["software"] == "rfviewer 0.1"
        assert picture.text["gr__e"] == "ä 人   ?"
    np.testing.assert_array_equal(cv2.imread(str(path)), image[..., :3])


def test_a_screenshot_never_overwrites(tmp_path):
    path = tmp_path / "shot.png"
    path.write_bytes(b"old")
    with pytest.raises(SinkError, match="exists"):
        write_png(path, np.zeros((4, 4, 3), np.uint8), {})
    assert path.read_bytes() == b"old"


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(SinkError, match="folder is gone"):
        write_png(tmp_path / "gone" / "shot.png", np.zeros((4, 4, 3), np.uint8), {})
