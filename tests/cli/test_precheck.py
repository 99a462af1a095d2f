"""What the window refuses before it appears, and what it leaves to the source."""

import sys
from pathlib import Path

import pytest

from rfviewer import precheck, system_packages
from rfviewer.doctor.system import display
from rfviewer.errors import RfviewerError, SourceError, UsageError
from rfviewer.precheck import check_cheaply, check_screen, is_address


@pytest.mark.parametrize(
    "source",
    ["demo", "demo:720p", "synthetic:64x48@25", "camera:99", "rtsp://camera/1", "shots/*.png"],
)
def test_left_to_the_source(source: str) -> None:
    check_cheaply(source)


@pytest.mark.parametrize(
    "source", ["99", "nowhere.mp4", "file:///nowhere.mp4", "a\0b.mp4", "x" * 5000]
)
def test_not_there(source: str) -> None:
    with pytest.raises(SourceError):
        check_cheaply(source)


def test_a_path_that_looks_like_an_address_is_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="understood are rtsp"):
        is_address("ftp://a.mp4")
    assert is_address("RTSP://camera/1")
    (tmp_path / "ftp:").mkdir()
    (tmp_path / "ftp:" / "a.mp4").touch()
    for path in ("ftp://a.mp4", "file:///a.mp4", "shots/ftp://a", "://a"):
        assert not is_address(path)


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


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Pretend to be on a Linux with all libraries and no screen; return what changes that."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(precheck, "missing_packages", lambda *, x11: [])
    monkeypatch.setattr(precheck, "x_server_answers", lambda: True)
    return monkeypatch


def test_no_screen(screen: pytest.MonkeyPatch) -> None:
    with pytest.raises(RfviewerError, match="no X11 or Wayland display; log in to a desktop"):
        check_screen()
    screen.setattr(sys, "platform", "darwin")
    check_screen()


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_some_screen(screen: pytest.MonkeyPatch, name: str) -> None:
    screen.setenv(name, "wayland-0")
    check_screen()


def test_a_display_that_does_not_answer(screen: pytest.MonkeyPatch) -> None:
    screen.setenv("DISPLAY", ":99")
    screen.setattr(precheck, "x_server_answers", lambda: False)
    with pytest.raises(RfviewerError, match="no X server lets us in at :99"):
        check_screen()
    screen.setenv("QT_QPA_PLATFORM", "offscreen")
    check_screen()


def test_missing_libraries_are_named_with_what_installs_them(screen: pytest.MonkeyPatch) -> None:
    screen.setattr(system_packages, "_loads", lambda library: "xcb" not in library)
    screen.setattr(precheck, "missing_packages", system_packages.missing_packages)
    screen.setenv("DISPLAY", ":0")
    with pytest.raises(RfviewerError, match=r"apt-get install.* libxcb-cursor0"):
        check_screen()
    screen.setenv("QT_QPA_PLATFORM", "offscreen")
    check_screen()
    screen.setattr(system_packages, "_loads", lambda library: "libEGL" not in library)
    with pytest.raises(RfviewerError, match=r"apt-get install .* libegl1$"):
        check_screen()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X servers are for Linux here")
def test_an_x_server_that_is_not_there_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4321")
    assert not system_packages.x_server_answers()


def test_the_doctor_says_the_same(screen: pytest.MonkeyPatch) -> None:
    assert display().detail == precheck.NO_SCREEN[0]
    screen.setenv("DISPLAY", ":4321")
    assert display().detail == "no X server lets us in at :4321 (X11)"
