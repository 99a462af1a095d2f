"""Memory for frames, without a GPU: who holds it, and when it comes back."""

import numpy as np
import pytest

from rfviewer.engine.cuda.frame_memory import FrameMemory, address_of


class Allocator:
    def __init__(self):
        self.sizes = []

    def __call__(self, size):
        self.sizes.append(size)
        held = np.full(size + 16, 0xA5, np.uint8)
        offset = -held.ctypes.data % 16
        return held[offset : offset + size]


@pytest.fixture
def allocator():
    return Allocator()


@pytest.fixture
def memory(allocator):
    memory = FrameMemory(allocator)
    memory.prepare(2 * 5 * 3)
    return memory


def image(value, shape=(2, 5, 3)):
    return np.full(shape, value, np.uint8)


def test_a_copy_lies_in_the_memory(memory, allocator):
    assert set(allocator.sizes) == {32}
    original = image(7)
    homed = memory.home(original)
    assert homed.shape == (2, 5, 3)
    assert (homed == 7).all()
    assert not np.shares_memory(homed, original)
    assert address_of(homed) == homed.ctypes.data
    assert address_of(homed) % 16 == 0
    assert address_of(original) == 0


def test_memory_comes_back_when_the_last_view_is_gone(memory, allocator):
    count = len(allocator.sizes)
    held = [memory.home(image(index)) for index in range(count)]
    assert all(item is not None for item in held)
    assert memory.home(image(9)) is None
    view = held[3][1:, 2]
    addresses = {address_of(item) for item in held}
    assert len(addresses) == count
    del held[4:]
    assert [memory.home(image(100)) is not None for _ in range(count)] == [True] * count
    kept = [memory.home(image(100)) for _ in range(count)]
    assert sum(item is not None for item in kept) == count - 4
    held.clear()
    assert (view == 3).all(), "a view keeps its memory"
    assert len(allocator.sizes) == count, "nothing is allocated after `prepare`"


def test_another_size_is_not_homed(memory):
    assert memory.home(image(1, (2, 5, 4))) is None
    kept = memory.home(image(5))
    memory.prepare(40)
    assert memory.home(image(1)) is None
    assert memory.home(image(1, (2, 5, 4))) is not None
    assert (kept == 5).all()
    del kept
    assert memory.home(image(1)) is None, "memory of the old size never serves the new one"


def test_frames_outlive_the_memory(memory):
    kept = memory.home(image(5))
    memory.close()
    assert memory.home(image(1)) is None
    assert (kept == 5).all()


def test_frames_too_large_are_not_homed(allocator):
    memory = FrameMemory(allocator)
    memory.prepare(100 << 20)
    assert allocator.sizes == []


def test_no_memory_is_no_failure():
    def refuse(size):
        raise RuntimeError("CUDA error: out of memory")

    memory = FrameMemory(refuse)
    memory.prepare(30)
    assert memory.home(image(1)) is None


def test_a_part_of_an_image_has_no_address_of_its_own(memory):
    homed = memory.home(image(1))
    assert address_of(homed[1:]) == 0


def test_more_frames_in_flight_get_more_pieces_and_fewer_take_none_away(memory, allocator):
    usual = len(allocator.sizes)
    lent = memory.home(image(3))
    for in_flight in (1, 4):
        memory.prepare(30, in_flight)
    assert len(allocator.sizes) == usual
    memory.prepare(30, 12)
    assert len(allocator.sizes) - usual == usual + 8
    memory.prepare(30, 2)
    assert len(allocator.sizes) - usual == usual + 8
    held = [memory.home(image(index)) for index in range(usual + 8)]
    assert all(address_of(one) for one in held)
    assert memory.home(image(0)) is None
    assert (lent == 3).all()


def test_large_frames_are_limited_but_for_those_in_flight():
    sizes = []

    def allocate(size):
        sizes.append(size)
        return np.empty(size, np.uint8)  # touched by nobody

    memory = FrameMemory(allocate)
    memory.prepare(30 << 20, 4)
    assert len(sizes) == (256 << 20) // (30 << 20)
    memory.close()
    memory.prepare(30 << 20, 6)
    assert len(sizes) == 2 * ((256 << 20) // (30 << 20)) + 2
