"""What the user typed to a source: the one place that knows all kinds."""

import glob
import re
import stat
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import cv2

from rfviewer import paths
from rfviewer.decode import Decode
from rfviewer.errors import RfviewerError, SourceError, UsageError
from rfviewer.frame import SourceKind
from rfviewer.interfaces import FrameSource
from rfviewer.picture_memory import PictureMemory
from rfviewer.sources.camera import CameraSource
from rfviewer.sources.cameras import CameraInfo, find_camera
from rfviewer.sources.decode_choice import decoding_for
from rfviewer.sources.explain import printable
from rfviewer.sources.hardware import Decoding
from rfviewer.sources.images import DEFAULT_FPS, ImagesSource, is_image_name
from rfviewer.sources.media import Target
from rfviewer.sources.pyav_source import PyAvSource
from rfviewer.sources.replay import open_replay
from rfviewer.sources.replay_file import is_replay
from rfviewer.sources.sniff import is_animated, is_playlist, is_video_container, read_header
from rfviewer.sources.synthetic import SyntheticSource
from rfviewer.sources.urls import is_url, target_of

UNDERSTOOD = (
    "a video or image file, a folder or pattern of images, camera:0 or camera:NAME, an rtsp:// or "
    "http:// address, demo, demo:720p, or synthetic:640x360@30"
)
_DEMO_CLIPS = {"demo": "demo_clip.mp4", "demo:720p": "demo_clip_720p.mp4"}
_RATE = re.compile(r"\?fps=([^/?]*)$")
_GLOB = re.compile(r"[*?\[]")
_MAX_IMAGES = 1_000_000


def open_source(
    text: str,
    decode: Decode = Decode.CPU,
    pictures: Callable[[], PictureMemory | None] = lambda: None,
) -> FrameSource:
    """Open what `text` names; `UNDERSTOOD` lists the kinds. `decode` counts where FFmpeg decodes.

    `pictures` returns where frames that the GPU decodes can stay there, None if nowhere.
    Blocks while files, cameras and servers answer: never call it on the GUI thread.

    Raises:
        SourceError: when it cannot be opened; one sentence.
        UsageError: when `text` means nothing.
    """
    if not text.strip() or "\0" in text:
        raise UsageError(f"No source is named; understood are {UNDERSTOOD}.")
    decoding = decoding_for(decode, pictures)
    if text in _DEMO_CLIPS:
        return _open_demo(text, decoding)
    if text.partition(":")[0] == "synthetic" and not Path(text).exists():
        return SyntheticSource(text)
    if text.startswith("camera:"):
        return CameraSource(find_camera(text.removeprefix("camera:")))
    if text.isascii() and text.isdigit():
        return CameraSource(find_camera(text))
    if text.startswith("/dev/"):
        return CameraSource(_camera_at(text))
    if text.lower().startswith("file://"):
        path = urllib.request.url2pathname(urllib.parse.urlsplit(text).path)
        return _open_path(path, decoding)
    if is_url(text) and not _exists(Path(text)):
        return PyAvSource(target_of(text), decoding)
    return _open_path(text, decoding)


def _open_demo(text: str, decoding: Decoding) -> FrameSource:
    try:
        path = paths.resource(_DEMO_CLIPS[text])
    except RfviewerError as error:
        raise SourceError(str(error)) from error
    return PyAvSource(Target(f"file:{path}", text, path.name, SourceKind.FILE), decoding)


def _camera_at(path: str) -> CameraInfo:
    """Return the camera at a device path; one that the system does not list is opened as it is."""
    if not Path(path).exists():
        raise SourceError(f"There is no device {printable(path)}; connect the camera.")
    number = re.fullmatch(r"/dev/video(\d+)", str(Path(path).resolve()))
    if number is None:
        raise SourceError(f"{printable(path)} is no camera; choose a camera such as /dev/video0.")
    try:
        return find_camera(number[1])
    except SourceError:
        return CameraInfo(int(number[1]), printable(path), path, cv2.CAP_V4L2)


def _open_path(text: str, decoding: Decoding) -> FrameSource:
    path = _absolute(text)
    try:
        kind = path.stat().st_mode
    except OSError as error:
        return _open_pattern(text, error, decoding)
    if stat.S_ISDIR(kind):
        return _open_folder(path, DEFAULT_FPS)
    if not stat.S_ISREG(kind):
        raise SourceError(f"{printable(text)} is no ordinary file; choose a file, not a device.")
    return _open_file(path, DEFAULT_FPS, decoding)


def _open_file(path: Path, fps: float, decoding: Decoding) -> FrameSource:
    header = read_header(path)
    if is_image_name(path) and not (is_animated(header) or is_video_container(header)):
        return ImagesSource([path], printable(str(path)), fps)
    if is_replay(path.name):
        return open_replay(path, decoding)
    name = printable(path.name)
    if is_playlist(header):
        raise SourceError(
            f"{name} is a playlist, which may name any file or address, so it is not opened; "
            "open the media file or type the address that it names."
        )
    # The prefix keeps FFmpeg from reading "a:b.mp4" as a protocol.
    target = Target(f"file:{path}", printable(str(path)), name, SourceKind.FILE)
    return PyAvSource(target, decoding)


def _open_folder(path: Path, fps: float) -> FrameSource:
    try:
        images = [entry for entry in path.iterdir() if is_image_name(entry) and entry.is_file()]
    except OSError as error:
        raise SourceError(
            f"The folder {printable(path.name)} cannot be read ({error.strerror})."
        ) from error
    if not images:
        raise SourceError(f"The folder {printable(path.name)} holds no images; choose another.")
    return ImagesSource(images[:_MAX_IMAGES], printable(str(path)), fps)


def _open_pattern(text: str, error: OSError, decoding: Decoding) -> FrameSource:
    """Open `text` as a glob or with `?fps=`, since no such file exists."""
    rate = _RATE.search(text)
    fps = _rate(rate[1]) if rate else DEFAULT_FPS
    pattern = text[: rate.start()] if rate else text
    path = _absolute(pattern)
    if rate and path.is_dir():
        return _open_folder(path, fps)
    if rate and path.is_file() and is_image_name(path):
        return _open_file(path, fps, decoding)
    if _GLOB.search(pattern):
        found = [
            Path(name)
            for name in glob.glob(str(path), recursive=True)  # noqa: PTH207
        ]
        images = [entry for entry in found if is_image_name(entry) and entry.is_file()]
        if images:
            return ImagesSource(images[:_MAX_IMAGES], printable(str(path)), fps)
        raise SourceError(f"No image matches {printable(pattern)}; check the pattern.")
    shown = printable(text)
    if isinstance(error, PermissionError):
        raise SourceError(f"{shown} may not be read by this user; change its permissions.")
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise SourceError(f"{shown} cannot be opened ({error.strerror}); check the name.")
    raise SourceError(f"There is no file {shown}; understood are {UNDERSTOOD}.")


def _rate(text: str) -> float:
    try:
        fps = float(text)
    except ValueError:
        fps = 0.0
    if not 0 < fps <= 1000:
        raise UsageError(
            f"?fps={printable(text)} is no rate; write a number of images per second up to 1000."
        )
    return fps


def _absolute(text: str) -> Path:
    return Path.cwd() / Path(text).expanduser()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
