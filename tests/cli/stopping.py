"""Stops a verb in this process as a signal does, at a moment that the test chooses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def stop_of(monkeypatch: pytest.MonkeyPatch, verb: object) -> threading.Event:
    """Return the event that a signal would set while `verb`, a module, runs."""
    event = threading.Event()

    @contextmanager
    def stop_on_signals() -> Iterator[threading.Event]:
        yield event

    monkeypatch.setattr(verb, "stop_on_signals", stop_on_signals)
    return event
