"""Opening a saved replay takes over the settings it was saved with."""

from pathlib import Path

from rfviewer import log
from rfviewer.config import Settings
from rfviewer.errors import SourceError
from rfviewer.sources.replay_file import is_replay, read_settings


def saved_settings(source: str) -> Settings | None:
    """Return engine, optimizations and view of a replay; None for anything else.

    A replay that cannot be read is judged where it is opened, which tells the user.
    """
    if not is_replay(source):
        return None
    try:
        return read_settings(Path(source).expanduser())
    except SourceError as error:
        log.gui.info("no settings from %s: %s", source, error)
        return None
