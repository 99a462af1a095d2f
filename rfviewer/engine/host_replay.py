"""Parts of a frame's way on the host, run back to back: what lies between network and slot."""

import time
from collections.abc import Callable

from rfviewer.engine.backends.base import HostBackend
from rfviewer.engine.slot import Slot
from rfviewer.engine.stages import infer, preprocess
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart


def time_part(part: ReplayPart, slot: Slot, backend: HostBackend, count: int) -> list[float]:
    """Return how long each of `count` runs of `part` took, in ms. Blocks.

    Args:
        part: what is run.
        slot: holds the frame; nothing of it is in flight.
        backend: of the slot's network.
        count: how many runs.

    Raises:
        EngineError: a run failed.
    """
    run = _work(part, slot, backend)
    durations_ms = []
    for _ in range(count):
        start_ns = time.monotonic_ns()
        try:
            run()
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(f"The {part} failed in a replay ({error}).") from error
        durations_ms.append((time.monotonic_ns() - start_ns) / 1e6)
    return durations_ms


def _work(part: ReplayPart, slot: Slot, backend: HostBackend) -> Callable[[], object]:
    network = slot.network
    if part is ReplayPart.CALL:
        return lambda: backend.call(network.network_input)
    clones = network.raw.empty_like() if part is ReplayPart.CLONES else None

    def run() -> None:
        preprocess(slot)
        infer(slot)
        if clones is not None:
            network.raw.copy_to(clones)

    return run
