"""Named ranges for NVIDIA's profilers (NVTX), around what the host does for a frame.

Around each call of the engine, and inside around each stage of a slot where the host launches it.
A captured graph is one launch, so it gets one range that names its stages. Asked for by `--nvtx`
only: an engine without them is the plain one, so they cost nothing otherwise.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from rfviewer.config import View
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.interfaces import (
    BatchingEngine,
    Engine,
    FrameHome,
    PreparingEngine,
    RelaunchingEngine,
)
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage, EngineInfo, FrameResult

type Push = Callable[[str], object]
type Pop = Callable[[], object]


def nvtx_calls() -> tuple[Push, Pop]:
    """Return what begins and ends a range: of the nvtx package, or else of PyTorch.

    Raises:
        EngineError: neither is installed.
    """
    try:
        import nvtx
    except ImportError:
        pass
    else:
        return nvtx.push_range, nvtx.pop_range
    try:
        import torch.cuda.nvtx as torch_nvtx

        torch_nvtx.range_push("rfviewer")
        torch_nvtx.range_pop()
    except (ImportError, RuntimeError) as error:
        raise EngineError(
            "--nvtx needs the nvtx package, or PyTorch with CUDA; install one or leave it out."
        ) from error
    return torch_nvtx.range_push, torch_nvtx.range_pop


class Ranges:
    """Makes ranges on the calling thread; they nest."""

    def __init__(self, push: Push, pop: Pop) -> None:
        self._push = push
        self._pop = pop

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        """Put the block into a range, also when it raises."""
        self._push(name)
        try:
            yield
        finally:
            self._pop()

    def around[**P](self, name: str, work: Callable[P, None]) -> Callable[P, None]:
        """Return `work` in a range."""

        def ranged(*args: P.args, **kwargs: P.kwargs) -> None:
            with self.named(name):
                work(*args, **kwargs)

        return ranged


@runtime_checkable
class Rangeable(Protocol):
    """An engine that can put ranges around the stages of its slots."""

    def use_ranges(self, ranges: Ranges) -> None:
        """Mark every slot from now on; nothing may be in flight."""


class RangedEngine:
    """Implements `interfaces.Engine` around another one. All calls on the engine thread."""

    def __init__(self, engine: Engine, ranges: Ranges) -> None:
        self._engine = engine
        self._range = ranges.named
        if isinstance(engine, Rangeable):
            engine.use_ranges(ranges)

    @property
    def info(self) -> EngineInfo:
        """What the engine is."""
        return self._engine.info

    @property
    def depth(self) -> int:
        """How many frames may be in flight."""
        return self._engine.depth

    @property
    def in_flight(self) -> int:
        """How many frames are in flight."""
        return self._engine.in_flight

    @property
    def waits_for_frames(self) -> bool:
        """Whether the oldest frame waits for others to share its pass."""
        return isinstance(self._engine, BatchingEngine) and self._engine.waits_for_frames

    def make_room(self) -> bool:
        """Return whether a next frame may be submitted now, in a range: it may wait for that."""
        if not isinstance(self._engine, RelaunchingEngine):
            return self._engine.in_flight < self._engine.depth
        with self._range("make room"):
            return self._engine.make_room()

    def prepare(self, optimizations: Optimizations) -> bool:
        """Do one step towards `optimizations`, in a range; return whether all is there."""
        if not isinstance(self._engine, PreparingEngine):
            return True
        with self._range("prepare"):
            return self._engine.prepare(optimizations)

    def home(self, frame: Frame) -> Frame:
        """Return `frame` where the engine reads it without a copy; from any thread."""
        return self._engine.home(frame) if isinstance(self._engine, FrameHome) else frame

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        """Start work on `frame`, in a range of its own."""
        with self._range(f"submit frame {frame.frame_index}"):
            self._engine.submit(frame, threshold, overlay)

    def collect(self) -> FrameResult:
        """Wait for the oldest frame in flight, in a range of its own."""
        with self._range("collect"):
            return self._engine.collect()

    def configure(self, optimizations: Optimizations) -> None:
        """Apply `optimizations`, in a range of its own."""
        with self._range("configure"):
            self._engine.configure(optimizations)

    def device_usage(self) -> DeviceUsage:
        """Return what the engine tells."""
        return self._engine.device_usage()

    def replay_backend(self, count: int) -> Sequence[float]:
        """Run the bare network, in a range of its own."""
        with self._range(f"bare network {count} times"):
            return self._engine.replay_backend(count)

    def replay_part(self, part: ReplayPart, frame: Frame, count: int) -> Sequence[float]:
        """Run a part of a frame's way, in a range of its own."""
        with self._range(f"{part} {count} times"):
            return self._engine.replay_part(part, frame, count)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
