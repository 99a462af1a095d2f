"""The machine: Python, the window system, the GPU driver, cameras. Nothing is opened."""

import ctypes
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

from rfviewer import system_packages
from rfviewer.config import display_name, qt_platform
from rfviewer.doctor.check import Check, Status
from rfviewer.doctor.floors import installed
from rfviewer.extras import install_command
from rfviewer.listing import list_gpus
from rfviewer.precheck import NO_SCREEN

_CUDA_ERRORS = {
    35: "the driver is older than CUDA here needs; install a newer one",
    100: "the driver sees no GPU; look whether it is plugged in and not hidden",
    999: "the driver answers with an unknown error, as after a suspend; restart the computer",
    803: "driver and library do not match after an update; restart the computer",
}
"""Codes of the CUDA driver API that users meet (cuda.h)."""
_PCI_DEVICES, _NVIDIA, _DISPLAY = Path("/sys/bus/pci/devices"), "0x10de", "0x03"
"""Where Linux tells vendor and class of every PCI device, and what a GPU of NVIDIA has there."""
_WSL_GPU = Path("/dev/dxg")
"""GPUs of the Windows around a Linux there; they are on no PCI bus."""


def python() -> Check:
    """Check the interpreter."""
    return Check("Python", Status.OK, f"{platform.python_version()} at {sys.executable}")


def qt() -> Check:
    """Check PySide6 and the system libraries that Qt's xcb platform loads."""
    version = installed("PySide6-Essentials") or installed("PySide6")
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


def nvidia() -> Check:
    """Check the NVIDIA driver."""
    gpus = list_gpus()
    if not gpus and not _may_have_nvidia_gpu():
        return Check("NVIDIA driver", Status.OK, "no NVIDIA GPU; the CPU is used")
    if not gpus:
        detail = "no NVIDIA driver; the CPU is used"
        return Check("NVIDIA driver", Status.WARN, detail, "install it if there is an NVIDIA GPU")
    wrong = [gpu for gpu in gpus if "answers" in gpu]
    if wrong:
        fix = "restart the computer; if that does not help, install the driver again"
        return Check("NVIDIA driver", Status.WARN, wrong[0], fix)
    return Check("NVIDIA driver", Status.OK, "; ".join(gpus))


def cuda() -> Check:
    """Ask the driver's own library whether CUDA can start; takes no GPU memory."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return Check("CUDA", Status.OK, "no CUDA driver library; the CPU is used")
    code = int(library.cuInit(0))
    number = ctypes.c_int()
    if code == 0 and library.cuDriverGetVersion(ctypes.byref(number)) == 0:
        version = f"{number.value // 1000}.{number.value % 1000 // 10}"
        return Check("CUDA", Status.OK, f"the driver runs programs up to CUDA {version}")
    detail, _, fix = _CUDA_ERRORS.get(code, "the driver refuses; restart the computer").partition(
        "; "
    )
    return Check("CUDA", Status.WARN, f"{detail} (error {code})", fix)


def decoding() -> Check:
    """Check the part of the NVIDIA driver that decodes video."""
    from rfviewer.sources.nvdec import MissingPart, missing_part

    lacks = missing_part()
    if lacks is MissingPart.VIDEO:
        detail, _, _ = lacks.value.partition("; ")
        fix = (
            "in a container, add video to NVIDIA_DRIVER_CAPABILITIES; else install the whole driver"
        )
        return Check("GPU decoding", Status.WARN, detail, fix)
    if lacks is MissingPart.DRIVER:
        return Check("GPU decoding", Status.OK, f"{lacks.value}; the CPU decodes")
    return Check("GPU decoding", Status.OK, "the driver brings NVDEC; used with --decode gpu")


def cameras() -> Check:
    """Check which cameras there are, and whether they may be opened."""
    from rfviewer.sources.cameras import list_cameras

    found = list_cameras()
    if not found:
        return Check("Cameras", Status.OK, "none is connected")
    locked = [camera.path for camera in found if camera.path and not _may_open(Path(camera.path))]
    names = ", ".join(f"{camera.index} {camera.name}" for camera in found)
    if locked:
        fix = "sudo usermod -aG video $USER, then log in again"
        return Check("Cameras", Status.WARN, f"{names}; no permission for {locked[0]}", fix)
    return Check("Cameras", Status.OK, names)


def _missing_libraries() -> list[str]:
    """Return what `ldd` does not find for Qt's xcb plugin; empty outside Linux."""
    spec = importlib.util.find_spec("PySide6") if sys.platform.startswith("linux") else None
    locations = list(spec.submodule_search_locations or []) if spec else []
    missing: list[str] = []
    for location in locations:
        plugin = Path(location) / "Qt" / "plugins" / "platforms" / "libqxcb.so"
        if not plugin.is_file():
            continue
        done = subprocess.run(["ldd", str(plugin)], capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        missing += [line.split()[0] for line in lines if "not found" in line]
    return missing


def _may_have_nvidia_gpu(pci: Path = _PCI_DEVICES) -> bool:
    """Whether a GPU of NVIDIA is on the PCI bus, or nobody can tell, as outside Linux."""
    if not pci.is_dir() or _WSL_GPU.exists():
        return True
    return any(
        _read(device / "vendor") == _NVIDIA and _read(device / "class").startswith(_DISPLAY)
        for device in pci.iterdir()
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""


def _may_open(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)
