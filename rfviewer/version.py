"""The version of this installation."""

from importlib import metadata


def version() -> str:
    """Return the version, e.g. "0.1.0"; "unknown" when run from a folder that is not installed."""
    try:
        return metadata.version("rfviewer")
    except metadata.PackageNotFoundError:
        return "unknown"
