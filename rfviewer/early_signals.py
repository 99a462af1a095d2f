"""Signals before anything has begun: the program leaves at once, without a traceback."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

_ENDING = tuple(
    number
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None))
    if number is not None and signal.getsignal(number) is not signal.SIG_IGN  # as under nohup
)
_before_leaving: list[Callable[[], object]] = []


def install() -> None:
    """Leave at once on these signals, until whoever has files or a window takes them over.

    Main thread only, before the first large import: loading Qt takes some tenths of a second, and
    an exception in the middle of it would end in a traceback or worse.
    """
    for number in _ENDING:
        signal.signal(number, _leave)


def before_leaving(action: Callable[[], object]) -> None:
    """Run `action`, which must be quick and may run twice, if a signal ends the program early."""
    _before_leaving.append(action)


def release() -> None:
    """Give the signals their usual meaning back; nothing happens if `install` was not called."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _ENDING:
        if signal.getsignal(number) is _leave:
            signal.signal(number, signal.SIG_DFL)


def _leave(_number: int, _frame: FrameType | None) -> None:
    # Nothing was begun, so nothing is to be cleaned up; exit handlers of half-imported libraries
    # must not run. A closed window is a success, a verb that did not do its work is none.
    for action in _before_leaving:
        action()
    os._exit(1 if _names_a_verb() else 0)


def _names_a_verb() -> bool:
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    known = getattr(sys.modules.get("rfviewer.cli"), "VERBS", None)
    if not words:
        return False
    return words[0] in known if known is not None else words[0].isalpha() and words[0] != "demo"
