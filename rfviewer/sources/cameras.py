"""Cameras by name, without opening or probing any of them."""

import errno
import os
import struct
import sys
from dataclasses import dataclass

import cv2
from cv2_enumerate_cameras import enumerate_cameras

from rfviewer.errors import SourceError
from rfviewer.sources.explain import printable

_BACKENDS = {
    "linux": cv2.CAP_V4L2,
    "win32": cv2.CAP_MSMF,
    "darwin": cv2.CAP_AVFOUNDATION,
}

_REQUEST_BUFFERS = 0xC0145608
"""VIDIOC_REQBUFS: _IOWR('V', 8, struct v4l2_requestbuffers of 20 bytes), linux/videodev2.h."""


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """One camera of this machine."""

    index: int
    """Number by which the system's capture interface knows it."""
    name: str
    """Name for people, e.g. "Integrated Camera"."""
    path: str
    """Device path; empty where the system has none."""
    backend: int
    """OpenCV's number of the capture interface."""


def list_cameras() -> list[CameraInfo]:
    """Return the cameras of this machine by number; empty when there is none.

    Asks the system for its list; no camera is opened and no light goes on. Takes some ms.
    """
    backend = _BACKENDS.get(sys.platform, cv2.CAP_ANY)
    found = {
        camera.index: CameraInfo(
            camera.index,
            printable(camera.name or f"camera {camera.index}"),
            camera.path or "",
            backend,
        )
        for camera in enumerate_cameras(backend)
    }
    return [found[index] for index in sorted(found)]


def find_camera(wanted: str) -> CameraInfo:
    """Return the camera with this number, device path or name, or with a name that contains it.

    Raises:
        SourceError: when there is none, or more than one; names the cameras there are.
    """
    cameras = list_cameras()
    if not cameras:
        raise SourceError("No camera is connected; connect one, or open a video file instead.")
    lowered = wanted.strip().casefold()
    matches = (
        [c for c in cameras if str(c.index) == lowered],
        [c for c in cameras if c.path == wanted],
        [c for c in cameras if c.name.casefold() == lowered],
        [c for c in cameras if lowered and lowered in c.name.casefold()],
    )
    for found in matches:
        if len(found) == 1:
            return found[0]
        if found:
            numbers = ", ".join(f"camera:{c.index}" for c in found)
            raise SourceError(f"Several cameras are called {wanted}; choose one of {numbers}.")
    known = ", ".join(f"{c.index} ({c.name})" for c in cameras)
    raise SourceError(f"There is no camera {printable(wanted)}; connected are {known}.")


def device_is_busy(path: str) -> bool:
    """Tell whether another program streams from the Linux camera at `path`; False when unknown.

    OpenCV does not say why a camera does not open. Opening a device always works on Linux; asking
    for buffers while another program owns them fails with EBUSY (VIDIOC_REQBUFS in the kernel's
    documentation of V4L2). Nothing is streamed here and no light goes on.
    """
    if sys.platform != "linux" or not path.startswith("/dev/"):
        return False
    from fcntl import ioctl  # not on Windows

    try:
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        return error.errno == errno.EBUSY
    try:
        # No buffers, of kind "video capture", "memory mapped": frees what this handle owns.
        ioctl(device, _REQUEST_BUFFERS, bytearray(struct.pack("=5I", 0, 1, 1, 0, 0)))
    except OSError as error:
        return error.errno == errno.EBUSY
    finally:
        os.close(device)
    return False
