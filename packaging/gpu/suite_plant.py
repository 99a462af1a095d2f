"""An engine on the GPU of which one stage can be made slower, inside the captured slot.

B differs from A by a switch of the host's drawing, which nothing here draws with: the engine shares
slots between the two. With a plant, B has graphs of its own on the same buffers, in which one stage
ends in a kernel that spins; rebuilt, it has buffers of its own too, as any other setting has.
Streams and bound networks stay shared.
"""

import statistics
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import torch
from suite_honesty import Kind
from suite_parts import make_engine
from timing import replay_timing

from rfviewer.config import EngineConfig, View
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.network import BoundNetwork, DeviceNetwork
from rfviewer.engine.cuda.replay import Replays
from rfviewer.engine.cuda.slot_sets import SlotSets
from rfviewer.engine.cuda.stages import Enqueue, SeatStages, SlotStages, Step
from rfviewer.engine.cuda.tables import FrameTables
from rfviewer.engine.streams import StartThread
from rfviewer.experiment import AbRequest, AbResult
from rfviewer.lab.run import LabParts, run_experiment
from rfviewer.lab.stand import Stand
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage

SWITCH = "roi_render"
"""On in A, off in B."""
_TIMED, _WARM = 80, 16
_LONG_CYCLES = 100_000


class PlantedStages(SlotStages):
    """The stages of a slot, one of which ends in a kernel that spins; none where that is None."""

    def __init__(
        self,
        bound: BoundNetwork,
        stream: torch.cuda.Stream,
        seats: Sequence[SeatStages],
        planted: Stage | None,
        cycles: int,
    ) -> None:
        super().__init__(bound, stream, seats)
        self._planted = planted
        self._cycles = cycles

    def steps(self) -> list[Step]:
        """Return the stages in order."""
        return [
            replace(step, enqueue=self._longer(step.enqueue))
            if step.stage is self._planted
            else step
            for step in super().steps()
        ]

    def _longer(self, enqueue: Enqueue) -> Enqueue:
        def run(at: torch.Tensor | None) -> None:
            enqueue(at)
            torch.cuda._sleep(self._cycles)  # noqa: SLF001 - torch has no public one

        return run


class PlantedSets(SlotSets):
    """Keeps the slots of B apart from those of A."""

    def __init__(
        self, network: DeviceNetwork, spec: ModelSpec, config: EngineConfig, device: torch.device
    ) -> None:
        super().__init__(network, spec.num_select, config.resize, device)
        self._kept: dict[bool, OrderedDict] = {False: self._sets, True: OrderedDict()}
        self._seats: dict[tuple[int, FrameFormat, Optimizations], list[SeatStages]] = {}
        """Of A."""
        self._is_b = False
        self._planted: Stage | None = None
        self._cycles = 0
        self._rebuilt = False

    def plant(self, stage: Stage | None, cycles: int, *, rebuilt: bool) -> None:
        """Build new slots for B: where `stage` is given, it ends in a kernel of so many cycles.

        Without a stage B shares the slots of A, unless they are to be `rebuilt`.
        """
        self._kept[True].clear()
        torch.cuda.empty_cache()
        self._planted, self._cycles, self._rebuilt = stage, cycles, rebuilt

    def use(self, *, b: bool) -> None:
        """Let the slots be those of B or of A from now on."""
        self._is_b = b and (self._rebuilt or self._planted is not None)
        self._sets = self._kept[self._is_b]

    def clear(self) -> None:
        """Free every slot and bound network; none may be in flight."""
        for kept in self._kept.values():
            kept.clear()
        self._seats.clear()
        super().clear()

    def _stages(
        self, index: int, frame: FrameFormat, wanted: Optimizations, tables: FrameTables
    ) -> tuple[list[SeatStages], SlotStages]:
        key = index, frame, wanted
        if not self._is_b:
            self._seats[key], stages = super()._stages(index, frame, wanted, tables)
            return self._seats[key], stages
        # A and B never run at the same time, so they can share what a slot writes.
        shared = None if self._rebuilt else self._seats.get(key)
        seats = shared or super()._stages(index, frame, wanted, tables)[0]
        stream, bound = self.place(index, wanted.micro_batch)
        return seats, PlantedStages(bound, stream, seats, self._planted, self._cycles)


class PlantedEngine(CudaEngine):
    """The GPU engine on `PlantedSets`."""

    def __init__(
        self,
        network: DeviceNetwork,
        spec: ModelSpec,
        config: EngineConfig,
        optimizations: Optimizations,
        *,
        backend_reason: str,
        start_thread: StartThread,
    ) -> None:
        super().__init__(
            network,
            spec,
            config,
            optimizations,
            backend_reason=backend_reason,
            start_thread=start_thread,
        )
        self._slots = []
        self._sets.clear()
        device = torch.device("cuda", torch.cuda.current_device())
        self.planted_sets = PlantedSets(network, spec, config, device)
        self._sets = self.planted_sets
        self._replays = Replays(self._sets)
        self.configure(optimizations)

    def configure(self, optimizations: Optimizations) -> None:
        """Apply `optimizations`, with the slots of A or of B."""
        self.planted_sets.use(b=not getattr(optimizations, SWITCH))
        super().configure(optimizations)


class GpuSubject:
    """What the honesty of the lab is measured on; a `suite_honesty.Subject`."""

    def __init__(self, *, block: int, limit_s: float) -> None:
        """Load the demo network and find out how long a kernel spins.

        `block` is the frames of a block, `limit_s` the longest comparison.
        """
        engine = make_engine("fp16", PlantedEngine)
        assert isinstance(engine, PlantedEngine)  # as was asked for
        self._engine = engine
        self._block, self._parts = block, LabParts(View(), limit_s=limit_s)
        self.smallest_us = _spin_us(0)
        self._per_cycle_us = (_spin_us(_LONG_CYCLES) - self.smallest_us) / _LONG_CYCLES

    def plan(self, kind: Kind, share: float) -> dict[str, float]:
        """Return how long the stage takes under A, and what is to be planted in it.

        Nothing shorter than an empty kernel can be planted.
        """
        stand = Stand(self._engine, kind.frames, View(), None, lambda: None)
        measured = stand.stages(kind.a, 0, _WARM + _TIMED).frames[_WARM:]
        stage_us = 1e3 * statistics.median(frame[str(kind.stage)] for frame in measured)
        more_us = max(0.0, share * stage_us - self.smallest_us)
        cycles = round(more_us / self._per_cycle_us)
        planted_us = self.smallest_us + cycles * self._per_cycle_us
        return {
            "stage_us": round(stage_us, 3),
            "planted_us": round(planted_us, 3),
            "planted_share": round(planted_us / stage_us, 4),
            "cycles": cycles,
        }

    def measure(self, kind: Kind, cycles: int) -> AbResult:
        """Return the A/B of that kind; the slots of B are built anew."""
        self._engine.planted_sets.plant(kind.stage, cycles, rebuilt=kind.rebuilt)
        request = AbRequest(a=kind.a, b=replace(kind.a, **{SWITCH: False}), frames=self._block)
        found = run_experiment(self._engine, kind.frames, request, self._parts, lambda *step: None)
        assert isinstance(found, AbResult)
        return found

    def close(self) -> None:
        """Free the engine."""
        self._engine.close()


def _spin_us(cycles: int) -> float:
    spin = replay_timing(lambda: torch.cuda._sleep(cycles))  # noqa: SLF001 - as above
    return spin.median_us
