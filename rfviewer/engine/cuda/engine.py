"""The engine for NVIDIA GPUs: a ring of slots, each a captured graph on a stream of its own.

The host launches one graph a frame and waits in `collect` and `make_room` only. One slot is spare
(`early_relaunch`): the next pass is launched as a network ends, before its result is read.
With `micro_batch` several frames share a slot. A new frame format or setting captures its slots
first; sets of slots are kept, so that flipping back costs nothing.
"""

from collections.abc import Sequence

import torch

from rfviewer.config import EngineConfig, View
from rfviewer.engine.cuda.batches import FramesInFlight
from rfviewer.engine.cuda.buffers import frame_memory
from rfviewer.engine.cuda.clock import DeviceClock
from rfviewer.engine.cuda.faults import engine_error
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.network import DeviceNetwork, choose_form
from rfviewer.engine.cuda.nvml import Nvml
from rfviewer.engine.cuda.overlay import can_draw
from rfviewer.engine.cuda.pictures import homed
from rfviewer.engine.cuda.replay import Replays
from rfviewer.engine.cuda.reporter import Reporter
from rfviewer.engine.cuda.slot import Slot
from rfviewer.engine.cuda.slot_sets import SlotError, SlotSets
from rfviewer.engine.cuda.toggles import cuda_toggles
from rfviewer.engine.cuda.usage import UsageMeter
from rfviewer.engine.ranges import Ranges
from rfviewer.engine.streams import StartThread
from rfviewer.engine.toggles import effective_optimizations
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage, EngineInfo, FrameResult, ToggleState


class CudaEngine:
    """Implements `interfaces.Engine` on a GPU. All calls on the engine thread."""

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
        """Warm up and capture a first set of slots.

        Raises:
            EngineError: one sentence, e.g. that the memory does not suffice.
        """
        device = torch.device("cuda", torch.cuda.current_device())
        properties = torch.cuda.get_device_properties(device)
        self._network = network
        self._spec = spec
        self._config = config
        self._backend_reason = backend_reason
        self._device_name = str(properties.name)
        self._sets = SlotSets(network, spec.num_select, config.resize, device)
        self._replays = Replays(self._sets)
        self._clock = DeviceClock(self._sets.stream(0))
        self._reporter = Reporter()
        self._memory = frame_memory(start_thread)
        self._usage = UsageMeter(Nvml(str(properties.uuid)))
        self._flight: FramesInFlight[Slot] = FramesInFlight(
            lambda slot, follows: slot.launch(self._clock.base, follows)
        )
        self._begun = 0
        self._failures: dict[str, str] = {}
        self._ranges: Ranges | None = None
        # Frames of any other size only add a capture: libraries and kernels are loaded by then.
        self._format = FrameFormat(*spec.input_wh)
        self._apply(optimizations)
        self._slots = self._early_slots()

    @property
    def info(self) -> EngineInfo:
        """What the engine is, with the state of every toggle."""
        return EngineInfo(
            model=self._spec.name,
            backend=self._network.name,
            backend_reason=f"{self._backend_reason}; {self._network.form}",
            device=self._device_name,
            precision=self._network.precision,
            resize=self._config.resize,
            input_wh=self._spec.input_wh,
            class_names=self._spec.class_names,
            has_masks=self._network.mask_hw is not None,
            toggles=self._toggles,
        )

    @property
    def depth(self) -> int:
        """How many frames may be in flight: `depth` slots of `micro_batch` frames each."""
        return self._effective.depth * self._effective.micro_batch

    @property
    def in_flight(self) -> int:
        """How many frames are in flight."""
        return len(self._flight)

    @property
    def waits_for_frames(self) -> bool:
        """Whether the oldest frame waits for others to share its slot; `collect` ends that."""
        return self._flight.waits_for_frames

    def make_room(self) -> bool:
        """Return whether a frame may be submitted; waits for the oldest network, not its result."""
        return self._flight.make_room()

    def home(self, frame: Frame) -> Frame:
        """Return `frame` with its image where the GPU can read it, or as it is. Any thread."""
        return homed(frame, self._memory.home, stays=self._effective.device_frames)

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        """Start work on `frame`, if there is room for it. Does not wait for the result.

        There is room below `depth` frames in flight, and when `make_room` says so. The first frame
        of another format than before waits until its slots are captured.

        Raises:
            EngineError: the slots for this frame cannot be built; nothing is in flight for it.
        """
        if not self._flight.has_room:
            raise RuntimeError(f"{self.in_flight} frames are in flight, at most {self.depth} may")
        on_device = self._effective.device_frames
        if not self._slots or not self._format.fits(frame, on_device=on_device):
            self._flight.run_open()
            frame_format = FrameFormat.of(frame, on_device=on_device)
            self._slots = self._slots_for(frame_format)
            self._format = frame_format
        if frame.on_device and not on_device:  # the switch was on when it was read
            frame = self.home(frame)
        if not self._flight.is_open:
            self._flight.begin(self._slots[self._begun % len(self._slots)])
            self._begun += 1
        drawn = overlay is not None and self._effective.device_overlay and can_draw(overlay)
        self._flight.add(frame, threshold, overlay if drawn else None)

    def collect(self) -> FrameResult:
        """Wait for the oldest frame in flight and return its result.

        Where it still waits for others to share its slot, the slot runs part-filled.

        Raises:
            EngineError: that frame is gone; the engine can go on unless the device is lost.
        """
        slot, outcome = self._flight.collect()
        self._usage.add(outcome)
        self._clock.tick(slot.stream)
        return self._reporter.result(slot.lane, outcome, self._effective)

    def prepare(self, optimizations: Optimizations) -> bool:
        """Build and capture one slot that `optimizations` lack; return whether none is missing.

        The slots in effect serve meanwhile; where they are no graphs, `configure` does everything.

        Raises:
            EngineError: the slots cannot be built.
        """
        if not self._slots or not self._effective.cuda_graph:
            return True
        try:
            wanted = effective_optimizations(self._states(optimizations))
            frame_format = self._format.where(on_device=wanted.device_frames)
            return not wanted.early_warmup or self._sets.build_one(frame_format, wanted)
        except SlotError:
            return True  # `configure` goes on without, and says why
        except RuntimeError as error:
            raise engine_error("The GPU cannot run the model", error) from error
        finally:
            self._states(self._requested)

    def configure(self, optimizations: Optimizations) -> None:
        """Apply `optimizations`; nothing may be in flight. Builds and captures slots if needed.

        Raises:
            EngineError: the slots cannot be built; what was in effect before stays in effect.
        """
        if self._flight:
            raise RuntimeError("configure() while frames are in flight")
        before, failures = self._requested, self._failures
        slots, frame_format = self._slots, self._format
        self._failures = {}
        self._flight.clear()
        self._begun = 0
        try:
            self._apply(optimizations)
            self._slots = self._early_slots()
        except DeviceLostError:
            raise
        except EngineError:
            self._failures, self._slots, self._format = failures, slots, frame_format
            self._apply(before)
            raise

    def device_usage(self) -> DeviceUsage:
        """Return GPU idle share, gaps between networks and the driver's figures."""
        return self._usage.read(self.in_flight)

    def replay_backend(self, count: int) -> Sequence[float]:
        """Run the bare network for `count` frames on the last prepared input; return ms a frame.

        One graph of the network alone, back to back on one stream: the ceiling of one slot. Where
        frames share a pass each takes its equal share.

        Raises:
            EngineError: the network failed.
        """
        if self._flight:
            raise RuntimeError("replay_backend() while frames are in flight")
        batch = self._effective.micro_batch
        return self._replays.network_ms(count, batch, graph="cuda_graph" not in self._failures)

    def replay_part(self, part: ReplayPart, frame: Frame, count: int) -> Sequence[float]:
        """Run that part of the way of `frame` `count` times on one stream; return ms a frame.

        One graph a pass, from page-locked memory on; without a graph for the call path.

        Raises:
            EngineError: it failed.
        """
        if self._flight:
            raise RuntimeError("replay_part() while frames are in flight")
        graph = "cuda_graph" not in self._failures
        return self._replays.part_ms(part, frame, self._effective, count, graph=graph)

    def use_ranges(self, ranges: Ranges) -> None:
        """Put ranges around what the host launches, in present and later slots."""
        self._ranges = ranges
        for slot in self._slots:
            slot.use_ranges(ranges)

    def close(self) -> None:
        """Wait for what is in flight, drop it and free the GPU's memory. Idempotent."""
        for slot in self._flight.slots():
            slot.drop()
        self._flight.clear()
        self._slots = []
        self._replays.forget()
        self._memory.close()
        self._sets.clear()
        self._usage.close()
        self._network.close()
        torch.cuda.empty_cache()

    def _apply(self, optimizations: Optimizations) -> None:
        """Let the optimizations that can run be in effect."""
        self._requested = optimizations
        self._toggles = self._states(optimizations)
        self._effective = effective = effective_optimizations(self._toggles)
        self._flight.limit(self.depth, effective.micro_batch * effective.early_relaunch)

    def _states(self, optimizations: Optimizations) -> tuple[ToggleState, ...]:
        """Return what can run of `optimizations`, with the network in the form for it."""
        has_changed, obstacles = choose_form(self._network, optimizations)
        if has_changed:
            self._replays.forget()
        return cuda_toggles(
            optimizations,
            resize=self._config.resize,
            has_masks=self._network.mask_hw is not None,
            failures=self._failures,
            obstacles=obstacles,
        )

    def _early_slots(self) -> list[Slot]:
        """Return slots for frames like the last ones; none where the first one brings them."""
        self._format = self._format.where(on_device=self._effective.device_frames)
        return self._slots_for(self._format) if self._effective.early_warmup else []

    def _slots_for(self, frame_format: FrameFormat) -> list[Slot]:
        """Return slots for frames of that format; without graphs or a spare one if need be.

        Raises:
            EngineError: they cannot be built.
        """
        try:
            slots = self._sets.slots(frame_format, self._effective)
        except SlotError as error:
            self._failures[error.toggle] = str(error)
            self._apply(self._requested)
            return self._slots_for(frame_format)
        except RuntimeError as error:
            raise engine_error("The GPU cannot run the model", error) from error
        if self._ranges is not None:
            for slot in slots:
                slot.use_ranges(self._ranges)
        if not self._effective.pinned_input:
            self._memory.close()
        elif frame_format.colors is None:  # else frames lie on the GPU
            self._memory.prepare(frame_format.nbytes, len(slots) * self._effective.micro_batch)
        return slots
