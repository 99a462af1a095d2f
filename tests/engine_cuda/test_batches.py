"""Frames through slots of several seats: order, filling, part-filled passes, failures; no GPU."""

import random
from collections import deque

import numpy as np
import pytest

from rfviewer.config import View
from rfviewer.detections import Detections
from rfviewer.engine.cuda.batches import FramesInFlight
from rfviewer.engine.cuda.outcome import PassOutcome, SeatOutcome
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.frame import Frame
from rfviewer.timing import Stage

WORK = [(Stage.PREPROCESS, 1.0, 1.5), (Stage.INFER, 1.5, 5.5), (Stage.POSTPROCESS, 5.5, 6.0)]


class FakeSlot:
    """Finds in every seat what was written to it when the pass ran, as a device would."""

    def __init__(self, seats, *, invalid=(), lost=(), dies=()):
        self.seats = seats
        self.invalid, self.lost, self.dies = invalid, lost, dies
        self.written = {}
        self.running = None
        self.passes, self.waits = [], []
        self.followed = []

    def write(self, seat, frame, threshold, overlay):
        assert self.running is None, "the slot is not free"
        if threshold < 0:
            raise RuntimeError("no such threshold")
        self.written[seat] = frame, overlay

    def launch(self, follows):
        assert self.running is None, "the slot is not free"
        self.followed.append(None if follows is None else follows.waits[-1])
        self.running = [self.written[seat] for seat in sorted(self.written)]
        self.written = {}
        self.passes.append([frame.frame_index for frame, _ in self.running])
        if any(frame.frame_index in self.lost for frame, _ in self.running):
            self.running = None
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def wait_until_nearly_done(self):
        self.waits.append([frame.frame_index for frame, _ in self.running])
        if any(frame.frame_index in self.dies for frame, _ in self.running):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def collect(self):
        running, self.running = self.running, None
        return PassOutcome(WORK, [self.read(*seat) for seat in running])

    def read(self, frame, overlay):
        index = frame.frame_index
        if index in self.invalid:
            return EngineError(f"The model output of frame {index} is invalid.")
        found = Detections(
            np.zeros((1, 4), np.float32), np.ones(1, np.float32), np.array([index], np.int32)
        )
        work = [] if overlay is None else [(Stage.RENDER, 6.0, 6.25)]
        return SeatOutcome(found, None, work, 10, 10 + index)


class Run:
    """Slots used in turn, as the engine does."""

    def __init__(self, slots, spare=0):
        self.slots, self.begun = slots, 0
        self.flight = FramesInFlight(FakeSlot.launch)
        self.capacity = sum(slot.seats for slot in self.slots[spare:])
        self.flight.limit(self.capacity, spare * self.slots[0].seats)

    def submit(self, frame, threshold=0.5, overlay=None):
        if not self.flight.is_open:
            self.flight.begin(self.slots[self.begun % len(self.slots)])
            self.begun += 1
        self.flight.add(frame, threshold, overlay)

    def collect(self):
        return self.flight.collect()[1]

    def all_of(self, frames):
        results = []
        for item in frames:
            while not self.flight.make_room():
                results.append(self.outcome())
            assert self.flight.has_room
            self.submit(item)
        while self.flight:
            results.append(self.outcome())
        return results

    def outcome(self):
        try:
            return self.collect()
        except EngineError as error:
            return error


def frame(index):
    return Frame(np.zeros((2, 2, 3), np.uint8), 2, 2, index, index / 25, 0)


def frames(count):
    return [frame(index) for index in range(count)]


@pytest.mark.parametrize("count", [1, 3, 4, 7, 8, 13, 32])
@pytest.mark.parametrize("seats", [1, 2, 4, 8])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_every_frame_comes_back_once_in_order_with_its_own_result(count, seats, depth):
    run, given = Run([FakeSlot(seats) for _ in range(depth)]), frames(count)
    results = run.all_of(given)
    assert [result.frame for result in results] == given
    assert [result.detections.class_ids[0] for result in results] == list(range(count))
    passes = sorted(each for slot in run.slots for each in slot.passes)
    assert [len(each) for each in passes[:-1]] == [seats] * (len(passes) - 1)
    assert not run.flight


@pytest.mark.parametrize("count", [1, 4, 9, 40])
@pytest.mark.parametrize("seats", [1, 4])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_with_a_spare_slot_the_next_pass_is_launched_before_the_oldest_is_read(count, seats, depth):
    run, given = Run([FakeSlot(seats) for _ in range(depth + 1)], spare=1), frames(count)
    results, running = [], []
    for item in given:
        while not run.flight.make_room():
            results.append(run.collect())
        run.submit(item)
        running.append(sum(slot.running is not None for slot in run.slots))
        assert len(run.flight) <= (depth + 1) * seats
    while run.flight:
        results.append(run.collect())
    assert [result.frame for result in results] == given
    assert [result.detections.class_ids[0] for result in results] == list(range(count))
    assert max(running) == min(count // seats, depth + 1)
    # Every launch beyond `depth` has waited for the pass that it follows, in order.
    waited = sorted(each for slot in run.slots for each in slot.waits)
    assert waited == [list(range(i, i + seats)) for i in range(0, len(waited) * seats, seats)]
    assert len(waited) >= (count - 1) // seats + 1 - depth
    # It is told the pass that gave way: the one `depth` before.
    followed = [
        (launched[0], before[0])
        for slot in run.slots
        for launched, before in zip(slot.passes, slot.followed, strict=True)
        if before is not None
    ]
    assert len(followed) >= count // seats - depth  # all that were full
    assert all(launched - before == depth * seats for launched, before in followed)


def test_there_is_no_room_before_the_oldest_frame_when_none_is_spare():
    run = Run([FakeSlot(1), FakeSlot(1)])
    for item in frames(2):
        assert run.flight.make_room()
        run.submit(item)
    assert not run.flight.make_room()
    assert [slot.waits for slot in run.slots] == [[], []]


def test_a_pass_that_fails_while_waited_for_is_told_by_collect():
    run = Run([FakeSlot(1, dies=[0]), FakeSlot(1)], spare=1)
    run.submit(frame(0))
    assert not run.flight.make_room()
    assert not run.flight.make_room()
    with pytest.raises(DeviceLostError, match="Frame 0 failed on the GPU"):
        run.collect()
    assert run.flight.make_room()


def test_a_pass_that_waits_for_frames_makes_no_room():
    run = Run([FakeSlot(4), FakeSlot(4)], spare=1)
    for item in frames(3):
        run.submit(item)
    assert run.flight.has_room  # its own last seat
    run.flight.run_open()
    assert run.flight.has_room
    run.submit(frame(3))  # a seat beside those would be lost
    assert run.slots[0].passes == [[0, 1, 2]]
    assert not run.slots[1].passes
    assert [run.collect().frame.frame_index for _ in range(4)] == [0, 1, 2, 3]


def test_a_pass_runs_when_its_last_seat_is_taken_and_not_before():
    run = Run([FakeSlot(4)])
    for index, item in enumerate(frames(4)):
        run.submit(item)
        assert run.flight.waits_for_frames == (index < 3)
        assert run.slots[0].passes == ([[0, 1, 2, 3]] if index == 3 else [])


def test_collecting_early_runs_a_part_filled_pass():
    run = Run([FakeSlot(4), FakeSlot(4)])
    for item in frames(6):
        run.submit(item)
    assert not run.flight.waits_for_frames
    assert [run.collect().frame.frame_index for _ in range(4)] == [0, 1, 2, 3]
    assert run.flight.waits_for_frames
    assert run.collect().frame.frame_index == 4
    assert run.slots[1].passes == [[4, 5]]
    run.submit(frame(6))  # a seat beside 5 would be lost: it takes a pass of its own
    assert [run.collect().frame.frame_index for _ in range(2)] == [5, 6]
    assert run.slots[0].passes == [[0, 1, 2, 3], [6]]


def test_another_size_in_between_runs_what_is_open_and_waits_for_a_slot_that_is_not_free():
    one, other = FakeSlot(4), FakeSlot(4)
    flight, order = FramesInFlight(FakeSlot.launch), []
    for slot in (one, other, one, one, other):
        flight.begin(slot)
        for _ in range(2):
            flight.add(frame(len(order)), 0.5, None)
            order.append(len(order))
    found = [flight.collect() for _ in order]
    assert [outcome.frame.frame_index for _, outcome in found] == order
    assert [slot for slot, _ in found] == [one, one, other, other, one, one, one, one, other, other]


def test_a_slot_that_was_begun_for_nothing_is_forgotten():
    one, other = FakeSlot(2), FakeSlot(2)
    flight = FramesInFlight(FakeSlot.launch)
    flight.begin(one)
    with pytest.raises(EngineError, match="Frame 3 failed on the GPU"):
        flight.add(frame(3), -1.0, None)
    assert not flight
    assert not flight.waits_for_frames
    flight.begin(other)
    flight.add(frame(4), 0.5, None)
    assert flight.collect()[0] is other
    assert one.passes == []
    with pytest.raises(RuntimeError, match="nothing in flight"):
        flight.collect()


def test_a_frame_that_cannot_be_handed_over_leaves_its_seat_to_the_next():
    run = Run([FakeSlot(2)])
    run.submit(frame(0))
    with pytest.raises(EngineError, match="Frame 1 failed"):
        run.submit(frame(1), threshold=-1.0)
    assert len(run.flight) == 1
    run.submit(frame(2))
    assert [run.collect().frame.frame_index for _ in range(2)] == [0, 2]


@pytest.mark.parametrize("bad", [4, 5, 7])
def test_an_invalid_output_fails_its_frame_and_no_other(bad):
    run = Run([FakeSlot(4, invalid=[bad]) for _ in range(2)])
    results = run.all_of(frames(10))
    assert str(results.pop(bad)) == f"The model output of frame {bad} is invalid."
    assert [result.frame.frame_index for result in results] == [i for i in range(10) if i != bad]
    # The pass is told with the first frame that came out of it.
    of_pass = [result for result in results if 4 <= result.frame.frame_index < 8]
    assert [bool(result.work) for result in of_pass] == [True, False, False]


def test_a_pass_that_fails_tells_each_of_its_frames():
    run = Run([FakeSlot(4, lost=[6]) for _ in range(2)])
    results = run.all_of(frames(11))
    for index, result in enumerate(results):
        if 4 <= index < 8:
            assert isinstance(result, DeviceLostError)
            assert str(result).startswith(f"Frame {index} failed on the GPU")
        else:
            assert result.frame.frame_index == index


def test_stages_are_shared_out_and_intervals_told_once():
    run = Run([FakeSlot(4)])
    for index, item in enumerate(frames(3)):
        run.submit(item, overlay=View() if index == 1 else None)
    first, second, third = (run.collect() for _ in range(3))
    share = {Stage.PREPROCESS: 0.5 / 3, Stage.INFER: 4 / 3, Stage.POSTPROCESS: 0.5 / 3}
    assert first.stages_ms == third.stages_ms == pytest.approx(share)
    assert second.stages_ms == pytest.approx(share | {Stage.RENDER: 0.25})
    assert (first.work, first.infer_ms) == (WORK, (1.5, 5.5))
    assert (second.work, second.infer_ms) == ([(Stage.RENDER, 6.0, 6.25)], None)
    assert (third.work, third.infer_ms) == ([], None)
    assert (first.overlay, second.overlay) == (None, View())
    assert first.submit_time_ns <= first.submitted_time_ns <= first.launch_time_ns
    assert first.launch_time_ns == third.launch_time_ns
    assert second.collect_time_ns == first.done_time_ns


@pytest.mark.parametrize("spare", [0, 1])
def test_random_traffic_never_mixes_frames(spare):
    rng = random.Random(5)
    run, waiting, index = Run([FakeSlot(4) for _ in range(3)], spare), deque(), 0
    for _ in range(3000):
        if waiting and (rng.random() < 0.45 or not run.flight.make_room()):
            assert run.collect().detections.class_ids[0] == waiting.popleft()
        else:
            run.submit(frame(index))
            waiting.append(index)
            index += 1
        assert len(run.flight) == len(waiting)
