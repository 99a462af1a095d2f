"""The versions of this installation."""

import platform
from importlib import metadata

_PACKAGES = ("numpy", "av", "opencv-python-headless", "onnxruntime", "torch", "triton", "tensorrt")


def version() -> str:
    """Return the version, e.g. "0.1.0"; "unknown" when run from a folder that is not installed."""
    try:
        return metadata.version("rfviewer")
    except metadata.PackageNotFoundError:
        return "unknown"


def versions() -> dict[str, str]:
    """Return the versions of what takes part, by name; what is not installed is left out."""
    found = {"rfviewer": version(), "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def versions_text() -> str:
    """Return the versions as one line, as it stands in every file that is written."""
    return ", ".join(f"{name} {number}" for name, number in versions().items())
