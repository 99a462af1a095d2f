"""What this installation can do, line by line, each problem with its remedy.

Looks and never touches: no camera is opened, no torch imported, nothing built.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from rfviewer import paths, system_packages
from rfviewer.config import display_name, qt_platform
from rfviewer.errors import RfviewerError
from rfviewer.extras import install_command
from rfviewer.listing import list_gpus
from rfviewer.precheck import NO_SCREEN


class Status(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    """Works, but something useful is not there."""
    MISSING = "missing"
    """Something that the viewer needs is not there."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor."""

    name: str
    status: Status
    detail: str
    """What was found."""
    fix: str = ""
    """What to do; empty when nothing is needed."""


def run(*, as_json: bool) -> int:
    """Run every check and print; return 1 when something that is needed is missing."""
    checks = [_guarded(check) for check in CHECKS]
    failed = any(check.status is Status.MISSING for check in checks)
    if as_json:
        _print(json.dumps({"ok": not failed, "checks": [asdict(check) for check in checks]}))
    else:
        for check in checks:
            _print(f"{check.status:<8} {check.name:<16} {check.detail}")
            if check.fix:
                _print(f"{'':<25} -> {check.fix}")
    return 1 if failed else 0


def python() -> Check:
    """Check the interpreter."""
    return Check("Python", Status.OK, f"{platform.python_version()} at {sys.executable}")


def qt() -> Check:
    """Check PySide6 and the system libraries that Qt's xcb platform loads."""
    version = _version("PySide6-Essentials") or _version("PySide6")
    if version is None:
        return Check("Qt", Status.MISSING, "PySide6 is not installed", install_command())
    packages = system_packages.missing_packages()
    libraries = _missing_libraries()
    if packages:
        detail = f"PySide6 {version}; system libraries are missing"
        return Check("Qt", Status.MISSING, detail, system_packages.install_line(packages))
    if libraries:
        detail = f"PySide6 {version}; missing {', '.join(libraries)}"
        return Check("Qt", Status.MISSING, detail, "install the packages that hold these libraries")
    return Check("Qt", Status.OK, f"PySide6 {version}, system libraries complete")


def display() -> Check:
    """Check that there is a screen to show the window on."""
    if not sys.platform.startswith("linux"):
        return Check("Display", Status.OK, platform.system())
    found = display_name()
    if found.endswith("(X11)") and not qt_platform() and not system_packages.x_server_answers():
        return Check("Display", Status.WARN, f"no X server lets us in at {found}", "check DISPLAY")
    if found:
        return Check("Display", Status.OK, found)
    detail, fix = NO_SCREEN
    return Check("Display", Status.WARN, detail, f"{fix}; export and bench work without")


def ffmpeg() -> Check:
    """Check PyAV, its FFmpeg and the H.264 encoder."""
    import av
    import av.codec

    detail = f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"
    if "libx264" not in av.codec.codecs_available:
        fix = "pip install --force-reinstall --only-binary :all: av"
        return Check("Video", Status.MISSING, f"{detail}, no H.264 encoder", fix)
    return Check("Video", Status.OK, f"{detail}, H.264 by libx264")


def opencv() -> Check:
    """Check OpenCV; two flavours of it overwrite each other's files."""
    flavours = [
        name
        for name in ("opencv-python", "opencv-python-headless", "opencv-contrib-python")
        if _version(name)
    ]
    import cv2

    if len(flavours) > 1:
        fix = f"pip uninstall {' '.join(flavours)}; pip install opencv-python-headless"
        return Check("OpenCV", Status.WARN, " and ".join(flavours) + " clash", fix)
    return Check("OpenCV", Status.OK, f"{cv2.__version__} ({', '.join(flavours) or 'own build'})")


def onnx_runtime() -> Check:
    """Check the CPU backend."""
    import onnxruntime

    providers = ", ".join(onnxruntime.get_available_providers())
    return Check("ONNX Runtime", Status.OK, f"{onnxruntime.__version__}, {providers}")


def nvidia() -> Check:
    """Check the NVIDIA driver."""
    gpus = list_gpus()
    if not gpus:
        detail = "no NVIDIA driver; the CPU is used"
        return Check("NVIDIA driver", Status.WARN, detail, "install it if there is an NVIDIA GPU")
    return Check("NVIDIA driver", Status.OK, "; ".join(gpus))


def gpu_packages() -> Check:
    """Check the packages of the GPU engine by their metadata, without importing them."""
    names: tuple[str, ...] = (
        "torch",
        "triton",
        "triton-windows",
        "tensorrt-cu13",
        "tensorrt-cu12",
        "tensorrt",
    )
    names += ("tensorrt-rtx-cu13-libs", "tensorrt-rtx-cu13-bindings", "onnxruntime-gpu")
    found = [f"{name} {version}" for name in names if (version := _version(name))]
    if found:
        return Check("GPU packages", Status.OK, ", ".join(found))
    if not list_gpus():
        return Check("GPU packages", Status.OK, "none, and no NVIDIA GPU that would use them")
    fix = install_command("gpu")
    return Check("GPU packages", Status.WARN, "torch and TensorRT are not installed", fix)


def models_extra() -> Check:
    """Check what official checkpoints need."""
    found = {name: _version(name) for name in ("rfdetr", "onnx", "onnxscript")}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        detail = f"only the demo model and .onnx files, without {', '.join(missing)}"
        return Check("Models", Status.WARN, detail, install_command("models"))
    return Check("Models", Status.OK, ", ".join(f"{name} {found[name]}" for name in found))


def cameras() -> Check:
    """Check which cameras there are, and whether they may be opened."""
    from rfviewer.sources.cameras import list_cameras

    found = list_cameras()
    if not found:
        return Check("Cameras", Status.WARN, "none is connected", "connect one to use it")
    locked = [camera.path for camera in found if camera.path and not _may_open(Path(camera.path))]
    names = ", ".join(f"{camera.index} {camera.name}" for camera in found)
    if locked:
        fix = "sudo usermod -aG video $USER, then log in again"
        return Check("Cameras", Status.WARN, f"{names}; no permission for {locked[0]}", fix)
    return Check("Cameras", Status.OK, names)


def cache() -> Check:
    """Check that the cache is private and can be written."""
    folder = paths.cache_dir()
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    detail = f"{folder}, {sum(files) / 1e6:.0f} MB in {len(files)} files"
    if not os.access(folder, os.W_OK):
        return Check("Cache", Status.MISSING, detail, f"make {folder} writable for you")
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        fix = f"chmod 700 {folder}"
        return Check("Cache", Status.WARN, f"{detail}, open to other users", fix)
    return Check("Cache", Status.OK, detail)


CHECKS: tuple[Callable[[], Check], ...] = (
    python,
    qt,
    display,
    ffmpeg,
    opencv,
    onnx_runtime,
    nvidia,
    gpu_packages,
    models_extra,
    cameras,
    cache,
)


def _guarded(check: Callable[[], Check]) -> Check:
    """Run one check; a broken package is a finding and not the end of the doctor."""
    try:
        return check()
    except (ImportError, OSError, RfviewerError) as error:
        name = check.__name__.replace("_", " ")
        fix = f"{install_command()}, with the option --force-reinstall"
        return Check(name, Status.MISSING, str(error), fix)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _missing_libraries() -> list[str]:
    """Return what `ldd` does not find for Qt's xcb plugin; empty outside Linux."""
    spec = importlib.util.find_spec("PySide6") if sys.platform.startswith("linux") else None
    locations: Sequence[str] = (spec.submodule_search_locations or []) if spec else []
    missing: list[str] = []
    for location in locations:
        plugin = Path(location) / "Qt" / "plugins" / "platforms" / "libqxcb.so"
        if not plugin.is_file():
            continue
        done = subprocess.run(["ldd", str(plugin)], capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        missing += [line.split()[0] for line in lines if "not found" in line]
    return missing


def _may_open(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
