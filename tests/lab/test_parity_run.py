"""Running the gate on engines: settings alternate, frames overlap, faults are found."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rfviewer.config import EngineConfig, ResizeMode
from rfviewer.detections import InstanceMasks, RegionMasks
from rfviewer.engine.host_engine import HostEngine
from rfviewer.errors import EngineError
from rfviewer.experiment import ParityRequest
from rfviewer.frame import Frame
from rfviewer.lab.digest import compact, digest
from rfviewer.lab.parity import Side, blocks_of, compare_sides, effective, run_parity
from rfviewer.lab.tolerance import E1, E2, E3, X0, promise, tolerance_between, tolerance_of
from rfviewer.lab.worst_frame import WorstFrames
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.threads import start_thread
from rfviewer.result import FrameResult
from rfviewer.toggle import Exactness
from tests.engine.fake_backend import SPEC, FakeBackend, frame
from tests.lab.parity_cases import dense, recorded

BASELINE = Optimizations.baseline()
FRAMES = [frame(index) for index in range(20)]
THRESHOLD = 0.5


def silent(*_: object) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def engine() -> Iterator[HostEngine]:
    engine = make_engine()
    yield engine
    engine.close()


def make_engine() -> HostEngine:
    return HostEngine(
        FakeBackend(),
        SPEC,
        EngineConfig(),
        BASELINE,
        backend_reason="asked for by name",
        start_thread=start_thread,
    )


class Wrapped:
    """An engine with a fault: a function of the results, in the order of collection."""

    def __init__(self, engine: HostEngine) -> None:
        self._engine = engine
        self.collected = 0
        self.swap_at: int | None = None
        self.fail_at: int | None = None
        self.peak = 0
        self._waiting: deque[FrameResult] = deque()

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def submit(self, item: Frame, threshold: float) -> None:
        self._engine.submit(item, threshold)
        self.peak = max(self.peak, self._engine.in_flight)

    def collect(self) -> FrameResult:
        result = self._engine.collect()
        self.collected += 1
        if self.collected == self.fail_at:
            raise EngineError("The network failed.")
        if self.collected == self.swap_at:
            return replace(result, frame=FRAMES[0])
        return result


@pytest.mark.parametrize("name", ["roi_masks", "packed_masks", "fused_select", "limit_masks"])
def test_every_exact_toggle_is_equal_byte_for_byte(engine: HostEngine, name: str) -> None:
    request = ParityRequest(reference=BASELINE, candidate=BASELINE.set(name, "on"))
    outcome = run_parity(engine, FRAMES, request, silent, threshold=THRESHOLD)
    assert outcome.passed, outcome.failures
    assert (outcome.gate, outcome.frames) == ("G0", 20)
    assert outcome.pairs > 20


def test_frames_overlap_as_in_real_use_and_order_is_kept(engine: HostEngine) -> None:
    wrapped = Wrapped(engine)
    request = ParityRequest(reference=BASELINE, candidate=replace(BASELINE, depth=3))
    outcome = run_parity(wrapped, FRAMES, request, silent)  # type: ignore[arg-type]
    assert wrapped.peak == 3
    assert (outcome.passed, outcome.gate) == (True, "G0")


def test_a_wrong_frame_id_is_found_in_either_side(engine: HostEngine) -> None:
    for collected in (7, 27):
        wrapped = Wrapped(engine)
        wrapped.swap_at = collected
        request = ParityRequest(reference=BASELINE, candidate=replace(BASELINE, depth=3))
        outcome = run_parity(wrapped, FRAMES, request, silent)  # type: ignore[arg-type]
        assert not outcome.passed
        assert outcome.worst_frame == 6
        assert "of frame 0" in outcome.failures[0]


def test_rounding_toggles_are_judged_by_e2_and_an_explicit_promise_counts(
    engine: HostEngine,
) -> None:
    request = ParityRequest(reference=BASELINE, candidate=BASELINE.set("fused_preprocess", "on"))
    outcome = run_parity(engine, FRAMES, request, silent)
    assert outcome.passed, outcome.failures
    assert outcome.gate == "G1/E2"
    assert 0 < outcome.score_max < 1e-5
    worst = WorstFrames(3)
    strict = run_parity(
        engine,
        FRAMES,
        replace(request, exactness=Exactness.BIT_EXACT),
        silent,
        worst=worst,
    )
    assert not strict.passed
    assert "the same bytes are promised" in strict.verdict
    assert len(worst.frames) == 3
    assert worst.frames[0].frame.frame_index == strict.worst_frame
    badness = [item.comparison.badness for item in worst.frames]
    assert badness == sorted(badness, reverse=True)


def test_boxes_rounded_to_pixels_use_up_nothing_of_the_tolerance(engine: HostEngine) -> None:
    request = ParityRequest(reference=BASELINE, candidate=BASELINE.set("float_boxes", "on"))
    outcome = run_parity(engine, FRAMES, request, silent)
    assert outcome.passed, outcome.failures
    assert 0.1 < outcome.box_max_px <= 0.5
    assert outcome.worst_frame is None
    assert "rounded to pixels" in outcome.verdict


def test_two_engines_compare_like_two_settings() -> None:
    first, second = make_engine(), make_engine()
    try:
        outcome = compare_sides(Side(first), Side(second), iter(FRAMES), silent, total=20)
    finally:
        first.close()
        second.close()
    assert (outcome.passed, outcome.gate, outcome.frames) == (True, "G0", 20)


def test_progress_counts_results_and_may_give_up(engine: HostEngine) -> None:
    told: list[tuple[int, int]] = []
    request = ParityRequest(reference=BASELINE, candidate=replace(BASELINE, depth=3))
    run_parity(engine, FRAMES, request, lambda _, index, count: told.append((index, count)))
    assert told[0] == (0, 40)
    assert told[-1] == (40, 40)
    assert told == sorted(told)

    def give_up(_: str, index: int, __: int) -> None:
        if index == 25:
            raise EngineError("Stopped.")

    with pytest.raises(EngineError, match="Stopped"):
        run_parity(engine, FRAMES, request, give_up)
    assert engine.in_flight == 0


def test_a_frame_that_fails_leaves_nothing_in_flight(engine: HostEngine) -> None:
    wrapped = Wrapped(engine)
    wrapped.fail_at = 24
    request = ParityRequest(reference=BASELINE, candidate=replace(BASELINE, depth=3))
    with pytest.raises(EngineError, match="network failed"):
        run_parity(wrapped, FRAMES, request, silent)  # type: ignore[arg-type]
    assert engine.in_flight == 0


def test_blocks_bound_the_memory_and_lose_no_frame() -> None:
    small = [frame(index) for index in range(150)]
    assert [len(block) for block in blocks_of(small)] == [64, 64, 22]
    pixels = np.broadcast_to(np.zeros(1, np.uint8), (2160, 3840, 3))
    large = [Frame(pixels, 3840, 2160, index, index / 25, 0) for index in range(20)]
    assert [len(block) for block in blocks_of(large)] == [8, 8, 4]


def test_compact_masks_say_the_same() -> None:
    for item in recorded()[:3]:
        wide = dense(item).detections
        packed = compact(wide)
        assert isinstance(packed.masks, RegionMasks)
        assert digest(packed) == digest(wide) == digest(item.detections)
        assert np.array_equal(packed.masks.dense(), wide.masks.dense())
        assert packed.masks._stream.nbytes < wide.masks.data.nbytes / 100
    empty = InstanceMasks(np.zeros((1, 4, 9), np.uint8), np.zeros((1, 4), np.int32), 9, 4, False)
    nothing = replace(recorded()[0].detections.select(np.array([0])), masks=empty)
    assert compact(nothing).masks.areas().tolist() == [0]


def test_promises_follow_what_differs(engine: HostEngine) -> None:
    on = Optimizations()
    assert promise(on, on) is Exactness.BIT_EXACT
    assert promise(on, on.set("depth", 1)) is Exactness.BIT_EXACT
    assert promise(on, on.set("device_overlay", "off")) is Exactness.BIT_EXACT  # only drawn
    assert promise(on, on.set("float_boxes", "off")) is Exactness.ROUNDING
    assert promise(on, on.set("fused_preprocess", "off")) is Exactness.ROUNDING
    assert promise(on, on.set("fused_network", "off")) is Exactness.TOLERANCE
    assert [tolerance_of(item) for item in Exactness] == [X0, E2, E3]
    info = engine.info
    assert tolerance_between(info, info, on, on) == X0
    assert tolerance_between(info, replace(info, backend="torch"), on, on) == E2
    assert tolerance_between(info, replace(info, resize=ResizeMode.B), on, on) == E2
    assert tolerance_between(info, replace(info, precision="fp16"), on, on) == E3
    assert tolerance_between(info, info, on, on.set("float_boxes", "off")).rounding_px == 0.5
    rounded = on.set("float_boxes", "off")
    fused = rounded.set("fused_preprocess", "off")
    assert tolerance_between(info, info, rounded, fused).rounding_px == 1.0
    assert tolerance_between(info, info, rounded, rounded) == X0
    traced = on.set("fused_network", "off")
    assert tolerance_between(info, replace(info, backend="torch"), on, traced) == E3


def test_what_cannot_run_here_promises_nothing(engine: HostEngine) -> None:
    engine.configure(BASELINE.set("fused_network", "on").set("cuda_graph", "on"))
    assert effective(engine.info) == BASELINE


def test_classes_of_the_gate_tighten_from_e3_to_x0() -> None:
    classes = (X0, E1, E2, E3)
    for tighter, looser in pairwise(classes):
        for name in ("box_px", "score", "delta", "flip_px", "gate_px", "soft_share"):
            assert getattr(tighter, name) <= getattr(looser, name)
        assert tighter.mask_iou >= looser.mask_iou
        assert looser.source
