"""Where data lives: shipped resources, the user's cache, config and log folders."""

import os
from importlib import resources as importlib_resources
from pathlib import Path

import platformdirs

from rfviewer.errors import RfviewerError
from rfviewer.private_files import NotPrivateError, check_private_folder

_APP = "rfviewer"
_CACHE_VARIABLE = "XDG_CACHE_HOME"


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder below resources/, e.g. "demo_clip.mp4".

    Raises:
        RfviewerError: if it is not part of this installation.
    """
    package = importlib_resources.files("rfviewer")
    for folder in (package.joinpath("_resources"), package.joinpath("..", "resources")):
        candidate = Path(str(folder)).resolve() / name
        if candidate.exists():
            return candidate
    raise RfviewerError(f"The shipped file {name} is missing; install rfviewer again.")


def cache_dir() -> Path:
    """Return the private cache folder (engines, exported models), made on first use, mode 0700.

    Engines and compiled kernels are code. A folder that others can read is closed; one that others
    could write to may hold theirs, and closing it now would not take that out again.

    Raises:
        RfviewerError: it is a link, belongs to somebody else, or others can write there.
    """
    folder = Path(platformdirs.user_cache_dir(_APP, appauthor=False))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_private_folder(folder)
    except NotPrivateError as error:
        raise RfviewerError(
            f"The cache folder {folder} {error}, so the engines and compiled code in it cannot be"
            f" trusted; remove it, or name the folder to use in {_CACHE_VARIABLE}."
        ) from error
    except OSError as error:
        raise RfviewerError(
            f"The cache folder {folder} cannot be used ({error.strerror or error}); name another"
            f" one in {_CACHE_VARIABLE}."
        ) from error
    return _private(folder)


def config_dir() -> Path:
    """Return the folder of config.toml, made on first use, mode 0700; `config_file` only looks.

    Raises:
        RfviewerError: it can be neither made nor closed to others.
    """
    return _private(_config_folder())


def config_file(name: str) -> Path:
    """Return where a file of the config folder is to be read; makes nothing."""
    return _config_folder() / name


def _config_folder() -> Path:
    return Path(platformdirs.user_config_dir(_APP, appauthor=False))


def log_dir() -> Path:
    """Return the folder of log files, made on first use, mode 0700.

    Raises:
        RfviewerError: it can be neither made nor closed to others.
    """
    return _private(Path(platformdirs.user_log_dir(_APP, appauthor=False)))


def log_dir_if_usable() -> Path | None:
    """Return `log_dir`; None where there can be none, as in a home that is not writable."""
    try:
        return log_dir()
    except RfviewerError:
        return None


def state_dir() -> Path:
    """Return the folder of what runs now (recordings, windows), made on first use, mode 0700.

    Raises:
        RfviewerError: it can be neither made nor closed to others.
    """
    return _private(Path(platformdirs.user_state_dir(_APP, appauthor=False)))


def pictures_dir() -> Path:
    """Return the folder where screenshots go when the user names none."""
    return Path(platformdirs.user_pictures_dir())


def videos_dir() -> Path:
    """Return the folder where recordings go when the user names none."""
    return Path(platformdirs.user_videos_dir())


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
        if os.name == "posix" and status.st_uid == os.getuid() and status.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise RfviewerError(
            f"The folder {folder} cannot be used ({error.strerror or error}); make it writable for"
            " you, or name another home in HOME."
        ) from error
    return folder
