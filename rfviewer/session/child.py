"""The engine process: a local session served over a pipe. Ends when the window's process does."""

import logging
import os
import signal
import time
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory

from rfviewer import log
from rfviewer.config import Settings
from rfviewer.pipeline.presenter import Display
from rfviewer.session.local import LocalSession
from rfviewer.session.ring import ImageRing
from rfviewer.session.wire import (
    METHODS,
    Closed,
    CloseSession,
    Command,
    FromEngine,
    NeedRing,
    ToEngine,
    UseRing,
)
from rfviewer.snapshot import PresentedFrame

SNAPSHOT_PERIOD_S = 0.08

type SessionMaker = Callable[[Settings, Display | None], LocalSession]


class RingDisplay:
    """Writes drawn frames into the ring; asks for a larger one when they do not fit.

    `wants_image` and `show` run on the presenter thread, the rest on the main thread. A ring is
    replaced as one assignment; the old ones are closed at the end, when the presenter has ended.
    """

    def __init__(self) -> None:
        self.wanted_bytes = 0
        """Size of an image that did not fit; 0 when there is none."""
        self._ring: ImageRing | None = None
        self._retired: list[ImageRing] = []

    @property
    def display(self) -> Display:
        """The callables for the pipeline."""
        return Display(self._wants_image, self._show)

    def use(self, ring: ImageRing) -> None:
        """Write into `ring` from the next image on."""
        if self._ring is not None:
            self._retired.append(self._ring)
        self._ring = ring
        self.wanted_bytes = 0

    def close(self) -> None:
        """Let go of all segments; the presenter has ended."""
        for ring in [*self._retired, *([self._ring] if self._ring else [])]:
            ring.close()

    def _wants_image(self) -> bool:
        ring = self._ring
        return ring is None or ring.wants_image

    def _show(self, frame: PresentedFrame) -> None:
        ring = self._ring
        if ring is None or frame.image.nbytes > ring.image_bytes:
            self.wanted_bytes = frame.image.nbytes
        else:
            ring.write(frame)


def serve(
    connection: Connection, maker: str, settings: Settings, *, log_folder: str | None
) -> None:
    """Run a session until the other end closes. Body of the engine process.

    `maker` names the `SessionMaker` as "module:function", so that the window's process never
    imports it.
    """
    # Ctrl-C and a terminal that closes reach the whole group; the window decides what they mean.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):  # not on Windows
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    log.setup_child(log_folder)
    module, function = maker.split(":")
    make_session: SessionMaker = getattr(import_module(module), function)
    display = RingDisplay()
    session = make_session(settings, display.display)
    recording = None
    timeout_s = 5.0
    try:
        timeout_s = _serve(connection, session, display)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        log.session.info("the window's process has gone; closing")
    finally:
        recording = session.close(timeout_s)
        if not session.left_behind:
            display.close()
    try:
        connection.send(Closed(recording))
    except OSError:
        log.session.debug("nobody is left to hear the goodbye")
    if session.left_behind:
        # A thread computes or hangs in a driver, whose exit handlers may wait for it. Closing has
        # told which.
        log.session.info("leaving without the threads that did not end")
        logging.shutdown()
        os._exit(0)


def _serve(connection: Connection, session: LocalSession, display: RingDisplay) -> float:
    """Answer messages and send snapshots until told to close; return the time allowed for it."""
    asked_bytes = 0
    while True:
        # A deadline, not a silence: a dragged slider sends commands all the time.
        due_s = time.monotonic() + SNAPSHOT_PERIOD_S
        while connection.poll(max(0.0, due_s - time.monotonic())):
            message: ToEngine = connection.recv()
            match message:
                case Command(method, arguments, options):
                    _call(session, method, arguments, options)
                case UseRing(name, image_bytes):
                    _use_ring(display, name, image_bytes)
                    session.redraw()
                case CloseSession(timeout_s):
                    return timeout_s
            if time.monotonic() > due_s:
                break
        replies: list[FromEngine] = []
        if display.wanted_bytes not in (0, asked_bytes):
            asked_bytes = display.wanted_bytes
            replies.append(NeedRing(asked_bytes))
        snapshot = session.poll()
        if snapshot is not None:
            replies.append(snapshot)
        for reply in replies:
            connection.send(reply)


def _use_ring(display: RingDisplay, name: str, image_bytes: int) -> None:
    try:
        memory = SharedMemory(name)
    except FileNotFoundError:
        # The window has replaced it already, since a larger image came: the next message says so.
        log.session.info("ring %s was replaced before it was used", name)
        return
    display.use(ImageRing(memory, image_bytes))


def _call(
    session: LocalSession, method: str, arguments: tuple[object, ...], options: dict[str, object]
) -> None:
    if method not in METHODS:
        raise ValueError(f"the window sent an unknown command {method}")
    getattr(session, method)(*arguments, **options)


def _leave(signum: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not break off the end
    raise EOFError(f"signal {signum}")
