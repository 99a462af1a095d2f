"""What the window remembers: geometry, theme, panel sizes and recent sources, in QSettings."""

import json
import os
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from rfviewer import log
from rfviewer.gui.services import NamedUri
from rfviewer.gui.theme import ThemeChoice

LAYOUT_VERSION = 3
"""Raised when the layout changes so much that saved sizes mean nothing."""
MAX_RECENT = 10


class Preferences:
    """Typed access to one QSettings object, which tests replace by one of their own."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store if store is not None else QSettings("rfviewer", "rfviewer")

    @property
    def theme(self) -> ThemeChoice:
        """The chosen theme; the system's by default."""
        value = str(self._store.value("theme", ThemeChoice.SYSTEM.value))
        return ThemeChoice(value) if value in list(ThemeChoice) else ThemeChoice.SYSTEM

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._store.setValue("theme", choice.value)

    @property
    def recent(self) -> list[NamedUri]:
        """Recent sources, newest first, as (name, uri) without credentials."""
        try:
            stored = json.loads(str(self._store.value("recent", "[]")))
            return [(str(name), str(uri)) for name, uri in stored][:MAX_RECENT]
        except (ValueError, TypeError):
            log.gui.warning("the list of recent sources is damaged and starts over")
            self._store.remove("recent")
            return []

    def add_recent(self, name: str, uri: str) -> None:
        """Put a source on top of the recent list."""
        uri = log.redact(uri)
        others = [entry for entry in self.recent if entry[1] != uri]
        entries = [(log.redact(name), uri), *others][:MAX_RECENT]
        self._store.setValue("recent", json.dumps(entries))

    def clear_recent(self) -> None:
        """Forget the recent sources."""
        self._store.remove("recent")

    def layout_value(self, name: str) -> QByteArray | None:
        """Return a saved size or position; None when there is none of this layout version."""
        if self._store.value("layout/version", 0, int) != LAYOUT_VERSION:
            return None
        value = self._store.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else None

    def set_layout_value(self, name: str, value: QByteArray) -> None:
        """Save a size or position."""
        self._store.setValue("layout/version", LAYOUT_VERSION)
        self._store.setValue(f"layout/{name}", value)

    def layout_number(self, name: str, default: int) -> int:
        """Return a saved number; `default` when there is none of this layout version."""
        if self._store.value("layout/version", 0, int) != LAYOUT_VERSION:
            return default
        value = self._store.value(f"layout/{name}", default, int)
        return value if isinstance(value, int) else default

    def set_layout_number(self, name: str, value: int) -> None:
        """Save a number."""
        self._store.setValue("layout/version", LAYOUT_VERSION)
        self._store.setValue(f"layout/{name}", value)

    def reset_layout(self) -> None:
        """Forget every size and position."""
        self._store.remove("layout")

    def folder(self, name: str) -> Path | None:
        """Return a folder that the user chose for outputs; None when there is none."""
        value = str(self._store.value(f"folders/{name}", ""))
        return Path(value) if value else None

    def set_folder(self, name: str, folder: Path) -> None:
        """Remember a folder for outputs."""
        self._store.setValue(f"folders/{name}", str(folder))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a remembered yes or no."""
        return bool(self._store.value(f"flags/{name}", default, bool))

    def set_flag(self, name: str, *, value: bool) -> None:
        """Remember a yes or no."""
        self._store.setValue(f"flags/{name}", value)

    def sync(self) -> None:
        """Write to disk now, for this user only: it says what was watched."""
        self._store.sync()
        path = Path(self._store.fileName())
        if os.name == "posix" and path.is_file():
            path.chmod(0o600)
