"""Arguments to settings: those of the config file or of safe mode, changed by the command line."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from rfviewer.config import (
    Playback,
    Policy,
    ResizeMode,
    Settings,
    read_user_config,
    settings_from,
)
from rfviewer.decode import Decode
from rfviewer.errors import SettingsError, UsageError
from rfviewer.optimizations import Optimizations
from rfviewer.paths import config_file
from rfviewer.safe_mode import safe_settings
from rfviewer.sources.replay_file import with_saved_settings

if TYPE_CHECKING:
    from pathlib import Path


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the settings that parsed arguments ask for.

    Raises:
        UsageError: for a value that is wrong.
        SettingsError: for a settings file that is wrong.
    """
    settings = _base(options)
    engine = {
        name: getattr(options, name)
        for name in ("model", "backend", "precision", "threads")
        if getattr(options, name) is not None
    }
    if getattr(options, "nvtx", False):
        engine["nvtx"] = True
    if options.resize is not None:
        engine["resize"] = ResizeMode(options.resize)
    view = {} if options.threshold is None else {"threshold": options.threshold}
    optimizations = settings.optimizations
    for item in ",".join(options.set).split(","):
        if item:
            optimizations = _set(optimizations, item)
    return replace(
        settings,
        engine=replace(settings.engine, **engine),
        view=replace(settings.view, **view),
        optimizations=optimizations,
        playback=_playback(options, settings.playback),
    )


def _set(optimizations: Optimizations, item: str) -> Optimizations:
    """Return `optimizations` with one item of --set.

    Raises:
        UsageError: it is none.
    """
    name, separator, value = item.partition("=")
    if not separator:
        is_source = any(mark in item for mark in "./:\\")
        more = "; the source comes before --set" if is_source else ", e.g. depth=2"
        raise UsageError(f"--set takes name=value{more}; got {item}.")
    if name != "all":
        return optimizations.set(name, value)
    if value != "off":
        raise UsageError(f"all takes off, which is the reference path; got {value}.")
    return Optimizations.baseline()


def _playback(options: argparse.Namespace, playback: Playback) -> Playback:
    changes: dict[str, object] = {}
    for option, name in (("start", "start_s"), ("end", "end_s"), ("frames", "max_frames")):
        if getattr(options, option, None) is not None:
            changes[name] = getattr(options, option)
    if getattr(options, "loop", False):
        changes["loop"] = True
    if getattr(options, "policy", None):
        changes["policy"] = Policy(options.policy)
    if getattr(options, "decode", None):
        changes["decode"] = Decode(options.decode)
    return replace(playback, **changes)  # type: ignore[arg-type]


def _base(options: argparse.Namespace) -> Settings:
    """Return what the command line changes.

    Raises:
        SettingsError: the settings file is missing or wrong.
    """
    path: Path | None = options.config
    if path is None:
        if getattr(options, "safe_mode", False):
            return safe_settings()
        path = config_file("config.toml")
    elif not path.is_file():
        raise SettingsError(f"There is no settings file {path}; check the name.")
    try:
        settings = settings_from(read_user_config(path), str(path))
    except UsageError as error:  # a fault of the file, and none of the command line
        raise SettingsError(str(error)) from error
    if options.config is None:
        # A replay plays as it was saved, changed by what else the command line says.
        return with_saved_settings(settings, getattr(options, "source", None))
    return settings
