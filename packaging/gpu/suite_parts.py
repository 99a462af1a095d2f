"""What the parts of the suite share: engines, frames, and a thread that feeds as capture does."""

import queue
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import cv2

from rfviewer.config import EngineConfig
from rfviewer.engine.backends.torch_network import TorchNetwork
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.engine.cuda.replay import Replay
from rfviewer.frame import Frame
from rfviewer.models.demo import demo_spec
from rfviewer.optimizations import Optimizations
from rfviewer.paths import resource
from rfviewer.pipeline.threads import start_thread

THRESHOLD = 0.4
LARGE_WH = (1920, 1080)
_LARGE_FRAMES = 64
_WAITING = 4


class Bench:
    """One fp16 engine for all parts, made when first needed, and the frames of the demo clip."""

    @cached_property
    def clip(self) -> list[Frame]:
        """Every frame of the demo clip, 312x176, BGR."""
        reader, frames = cv2.VideoCapture(str(resource("demo_clip.mp4"))), []
        while True:
            good, image = reader.read()
            if not good:
                return frames
            height, width = image.shape[:2]
            frames.append(Frame(image, width, height, len(frames), len(frames) / 30, 0))

    @cached_property
    def large(self) -> list[Frame]:
        """Some frames of it at 1920x1080."""
        return [
            replace(
                item,
                picture=cv2.resize(item.image, LARGE_WH),
                width=LARGE_WH[0],
                height=LARGE_WH[1],
            )
            for item in self.clip[:: len(self.clip) // _LARGE_FRAMES]
        ]

    @cached_property
    def engine(self) -> CudaEngine:
        """The fp16 engine; every part configures it for itself."""
        return make_engine("fp16")

    def close(self) -> None:
        """Free the engine if it was made."""
        if "engine" in self.__dict__:
            self.engine.close()


def make_engine(precision: str, kind: type[CudaEngine] = CudaEngine) -> CudaEngine:
    """Return an engine of that kind with the demo network in that precision, one slot."""
    config = EngineConfig(precision=precision)  # type: ignore[arg-type]
    network = TorchNetwork(demo_spec(), config, lambda step: None)
    return kind(
        network,
        demo_spec(),
        config,
        Optimizations(depth=1),
        backend_reason="measured",
        start_thread=start_thread,
    )


def bare_rates(engine: CudaEngine, batch: int = 1) -> list[int]:
    """Return the frames a second of the bare network on one to four streams at once.

    What the slots could reach at that depth if nothing else had to be done. The engine has run
    `batch` frames a pass.
    """
    graphs = []
    for index in range(4):
        stream, bound = engine._sets.place(index, batch)  # noqa: SLF001
        graphs.append(Replay(lambda b=bound, s=stream: b.enqueue(s), stream, graph=True))
    return [round(batch * runs_a_second(graphs[:count])) for count in (1, 2, 3, 4)]


def runs_a_second(replays: Sequence[Replay], runs: int = 60, samples: int = 3) -> float:
    """Return how many runs of all of them together end in a second; each has its own stream."""
    found = []
    for _ in range(samples):
        for item in replays:
            item.wait()
        start = time.perf_counter()
        for _ in range(runs):
            for item in replays:
                item.launch()
        for item in replays:
            item.wait()
        found.append(runs * len(replays) / (time.perf_counter() - start))
    return statistics.median(found)


def fed(engine: CudaEngine, frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield `frames` as another thread reads them and takes them home, a few ahead."""
    waiting: queue.Queue[Frame | None] = queue.Queue(_WAITING)
    stopped = threading.Event()

    def put(item: Frame | None) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        for frame in frames:
            if not put(engine.home(frame)):
                return
        put(None)

    thread = start_thread("feeder", read, lambda error: put(None))
    try:
        while (frame := waiting.get()) is not None:
            yield frame
    finally:
        stopped.set()
        thread.join()
