"""Cameras, with fakes in the place of OpenCV's capture."""

import errno
import itertools
import sys
import time

import cv2
import numpy as np
import pytest

from rfviewer.errors import SourceError
from rfviewer.frame import SourceKind
from rfviewer.sources import cameras
from rfviewer.sources.camera import CameraSource
from rfviewer.sources.cameras import CameraInfo, find_camera, list_cameras

CAMERA = CameraInfo(2, "Integrated Camera", "", cv2.CAP_ANY)


class FakeCapture:
    """Delivers pictures from a generator; False or an exception in it is a fault."""

    def __init__(self, pictures, *, is_open=True):
        self.pictures = iter(pictures)
        self.is_open = is_open
        self.settings = {}
        self.released = 0
        self.picture = None

    def __call__(self, device, backend):
        self.device = device
        return self

    def isOpened(self):  # noqa: N802
        return self.is_open

    def set(self, property_id, value):
        self.settings[property_id] = value
        return True

    def get(self, property_id):
        return {
            cv2.CAP_PROP_FPS: 30.0, cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"MJPG")),
        }.get(property_id, 0.0)  # fmt: skip

    def grab(self):
        self.picture = next(self.pictures, False)
        if isinstance(self.picture, Exception):
            raise self.picture
        return self.picture is not False

    def retrieve(self):
        return self.picture is not None, self.picture

    def release(self):
        self.released += 1


def noise(count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.integers(0, 255, (72, 128, 3), np.uint8)


def test_pictures_arrive_with_their_time():
    capture = FakeCapture(noise(5))
    source = CameraSource(CAMERA, capture)
    info = source.info
    assert (info.kind, info.live, info.seekable) == (SourceKind.CAMERA, True, False)
    assert (info.width, info.height, info.fps, info.codec) == (128, 72, 30.0, "MJPG")
    assert (info.name, info.uri) == ("Integrated Camera", "camera:2")
    before = time.monotonic_ns()
    frames = [source.read() for _ in range(5)]
    assert [f.frame_index for f in frames] == [0, 1, 2, 3, 4]
    assert frames[0].pts_s == 0.0
    assert frames[0].capture_time_ns < before < frames[1].capture_time_ns <= time.monotonic_ns()
    assert all(a.pts_s < b.pts_s for a, b in itertools.pairwise(frames))
    assert capture.device == 2
    assert capture.settings[cv2.CAP_PROP_BUFFERSIZE] == 1
    with pytest.raises(SourceError, match="Camera lost: Integrated Camera"):
        source.read()
    source.close()
    source.close()
    assert capture.released


@pytest.mark.parametrize("fault", [False, None, OSError(19, "No such device"), cv2.error("x")])
def test_lost_while_running(fault):
    source = CameraSource(CAMERA, FakeCapture([*noise(2), fault]))
    assert source.read() is not None
    assert source.read() is not None
    with pytest.raises(SourceError, match="Camera lost"):
        source.read()
    source.close()


def test_busy():
    capture = FakeCapture(noise(1), is_open=False)
    with pytest.raises(SourceError, match="in use by another program"):
        CameraSource(CAMERA, capture)
    assert capture.released == 1
    with pytest.raises(SourceError, match="is in use by another program; close"):
        CameraSource(CAMERA, FakeCapture([OSError(16, "busy")]))


def test_opening_that_raises():
    def refuse(device, backend):
        raise cv2.error("cannot open")

    with pytest.raises(SourceError, match="in use"):
        CameraSource(CAMERA, refuse)


def test_unplugged_before_opening():
    gone = CameraInfo(7, "Gone", "/dev/video-that-is-not-there", cv2.CAP_ANY)
    with pytest.raises(SourceError, match="not connected any more"):
        CameraSource(gone, FakeCapture([], is_open=False))


def test_a_frozen_picture_means_lost(monkeypatch):
    """The driver repeats its last buffer for ever after the cable is pulled."""
    now_ns = [0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns[0])
    pictures = list(noise(3))
    source = CameraSource(CAMERA, FakeCapture([*pictures, *[pictures[-1]] * 1000]))

    def read_for_10_s():
        while now_ns[0] < 10e9:
            now_ns[0] += 33_000_000
            source.read()

    with pytest.raises(SourceError, match="Camera lost"):
        read_for_10_s()
    assert 1.4e9 < now_ns[0] < 2.0e9


@pytest.mark.parametrize(("buffers", "lost"), [(4, True), (20, False)])
def test_buffers_that_go_round_mean_lost(monkeypatch, buffers, lost):
    """After a replug some drivers hand out all of their old buffers in turn."""
    now_ns = [0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns[0])
    source = CameraSource(CAMERA, FakeCapture(list(noise(buffers)) * 30))

    def read_for_3_s():
        while now_ns[0] < 3e9:
            now_ns[0] += 33_000_000
            source.read()

    if lost:
        with pytest.raises(SourceError, match="Camera lost"):
            read_for_3_s()
    else:
        read_for_3_s()


def test_a_covered_lens_is_no_loss(monkeypatch):
    now_ns = [0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns[0])
    black = np.zeros((72, 128, 3), np.uint8)
    source = CameraSource(CAMERA, FakeCapture([*noise(5), *[black] * 200]))
    for _ in range(200):
        assert source.read() is not None
        now_ns[0] += 33_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="V4L2 is Linux's")
def test_a_device_that_another_program_streams_from(monkeypatch):
    def refuse(_device, request, argument):
        assert (request, len(argument)) == (0xC0145608, 20)
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr("fcntl.ioctl", refuse)
    assert cameras.device_is_busy("/dev/null")
    monkeypatch.undo()
    assert not cameras.device_is_busy("/dev/null")  # no camera: the request is not understood
    assert not cameras.device_is_busy("/dev/video-that-is-not-there")


def test_a_still_picture_from_the_start_is_let_be(monkeypatch):
    now_ns = [0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns[0])
    picture = next(noise(1))
    source = CameraSource(CAMERA, FakeCapture([picture] * 200))
    for _ in range(200):
        assert source.read() is not None
        now_ns[0] += 33_000_000


def test_interrupt_ends_reading():
    source = CameraSource(CAMERA, FakeCapture(noise(3)))
    source.interrupt()
    assert source.read() is None
    source.close()


def test_a_change_of_size_is_followed():
    source = CameraSource(CAMERA, FakeCapture([*noise(1), np.ones((10, 20, 3), np.uint8)]))
    assert (source.read().width, source.read().width) == (128, 20)


class Listed:
    def __init__(self, index, name, path):
        self.index, self.name, self.path = index, name, path


@pytest.fixture
def three_cameras(monkeypatch):
    found = [Listed(10, "HD Webcam", "/dev/video10"), Listed(0, "Integrated", "/dev/video0"),
             Listed(2, "hd webcam", "/dev/video2")]  # fmt: skip
    monkeypatch.setattr(cameras, "enumerate_cameras", lambda backend: found)


def test_cameras_by_number_name_and_path(three_cameras):
    assert [c.index for c in list_cameras()] == [0, 2, 10]
    assert find_camera("0").name == "Integrated"
    assert find_camera("integr").index == 0
    assert find_camera("/dev/video10").index == 10
    with pytest.raises(SourceError, match="camera:2, camera:10"):
        find_camera("HD Webcam")
    with pytest.raises(SourceError, match=r"no camera 7; connected are 0 \(Integrated\), 2"):
        find_camera("7")


def test_no_cameras(monkeypatch):
    monkeypatch.setattr(cameras, "enumerate_cameras", lambda backend: [])
    assert list_cameras() == []
    with pytest.raises(SourceError, match="No camera is connected"):
        find_camera("0")


def test_listing_opens_nothing(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", None)
    assert isinstance(list_cameras(), list)
