"""Copies in strips: equal bytes whoever copies them, and no thread that stays."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from rfviewer.engine.cuda import strips
from rfviewer.engine.cuda.frame_memory import FrameMemory
from rfviewer.engine.cuda.strips import StripCopier, copier_for
from rfviewer.engine.streams import HostStream
from rfviewer.pipeline.threads import start_thread

TIMEOUT_S = 30.0


def crew(count):
    return [HostStream(f"copy-{index}", start_thread) for index in range(count)]


def noise(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def is_helper():
    return threading.current_thread().name.startswith("rfviewer-copy-")


@pytest.fixture
def memory_of():
    """Return a function that makes memory for frames of a size, and so many helpers."""
    made = []

    def make(size, helpers):
        memory = FrameMemory(lambda wanted: np.full(wanted, 0xA5, np.uint8), make_copier(helpers))
        made.append(memory)
        memory.prepare(size)
        return memory

    yield make
    for memory in made:
        memory.close()


def make_copier(helpers):
    return lambda size: StripCopier(crew(helpers))


@pytest.fixture
def copyto(monkeypatch):
    """Return a function that has every strip copied by another one than numpy's."""

    def use(function):
        monkeypatch.setattr(strips, "np", SimpleNamespace(copyto=function))

    return use


@pytest.mark.parametrize("helpers", [0, 1, 2, 3, 7])
@pytest.mark.parametrize(
    "shape",
    [(1, 1, 3), (1, 4001, 3), (7, 5, 3), (8, 9, 3), (541, 963, 3), (3, 2), (1621, 1921)],
)
def test_every_byte_is_copied_once_whatever_the_strides(memory_of, shape, helpers):
    memory = memory_of(int(np.prod(shape)), helpers)
    wide = noise((shape[0] * 2, shape[1] + 3, *shape[2:]))
    for image in (
        noise(shape, 2),
        wide[: shape[0], 1 : shape[1] + 1],
        wide[: 2 * shape[0] : 2, : shape[1]],
        noise(shape, 3)[::-1, ::-1],
    ):
        assert image.shape == shape
        homed = memory.home(image)
        np.testing.assert_array_equal(homed, image)
        assert homed.flags.c_contiguous
        assert (homed.base._piece[homed.nbytes :] == 0xA5).all(), "written behind the frame"


def test_two_threads_copy_at_once(memory_of):
    shape = (97, 101, 3)
    memory, wrong = memory_of(int(np.prod(shape)), 3), []

    def capture(seed):
        for number in range(50):
            image = noise(shape, seed + number)
            homed = memory.home(image)
            if not np.array_equal(homed, image):
                wrong.append(seed + number)

    threads = [start_thread(f"capture-{seed}", lambda s=seed: capture(s)) for seed in (0, 1000)]
    for thread in threads:
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()
    assert wrong == []


def test_helpers_copy_beside_the_caller(memory_of, copyto):
    together, seen = threading.Barrier(3), threading.local()

    def meet(target, source):
        if not hasattr(seen, "before"):
            seen.before = True
            together.wait(TIMEOUT_S)  # breaks where one thread copies alone
        np.copyto(target, source)

    memory = memory_of(60, 2)
    copyto(meet)
    image = noise((10, 2, 3))
    np.testing.assert_array_equal(memory.home(image), image)


def test_a_late_helper_is_not_waited_for_and_writes_nothing(memory_of, copyto):
    held, helper = threading.Event(), HostStream("copy-0", start_thread)
    helper.enqueue(lambda: held.wait(TIMEOUT_S))
    copier = StripCopier([helper])
    image = noise((10, 2, 3))
    target = np.zeros_like(image)
    copier.copy(target, image)
    np.testing.assert_array_equal(target, image)
    target[:] = 0
    held.set()
    copier.close()
    assert not target.any()


@pytest.mark.parametrize("on_helper", [True, False])
def test_a_strip_that_fails_raises_when_all_are_done(memory_of, copyto, on_helper):
    failed, copied = threading.Event(), []

    def fail(target, source):
        if is_helper() == on_helper and not failed.is_set():
            failed.set()
            raise MemoryError("no memory for a strip")
        assert failed.wait(TIMEOUT_S)
        np.copyto(target, source)
        copied.append(len(source))

    memory = memory_of(60, 1)
    copyto(fail)
    with pytest.raises(MemoryError, match="a strip"):
        memory.home(noise((10, 2, 3)))
    assert sum(copied) == 10 - 3, "all but the strip that failed, three rows of ten"
    held = [memory.home(noise((10, 2, 3))) for _ in range(48)]
    assert all(homed is not None for homed in held), "the memory of the frame that failed is back"


def test_what_holds_no_bytes_is_an_error(memory_of):
    memory = memory_of(80, 2)
    with pytest.raises(TypeError, match="Cannot cast"):
        memory.home(np.zeros((10, 2), np.float32))


def test_closing_in_the_middle_of_a_copy_leaves_it_whole(memory_of, copyto):
    closed, begun, homed = threading.Event(), threading.Event(), []

    def wait(target, source):
        if not is_helper():
            begun.set()
            assert closed.wait(TIMEOUT_S)
        np.copyto(target, source)

    memory, image = memory_of(60, 3), noise((10, 2, 3))
    lent = memory.home(image)
    copyto(wait)
    thread = start_thread("capture", lambda: homed.append(memory.home(image)))
    assert begun.wait(TIMEOUT_S)
    memory.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("rfviewer-copy-")]
    closed.set()
    thread.join(TIMEOUT_S)
    for found in (lent, *homed):
        np.testing.assert_array_equal(found, image)
    assert len(homed) == 1
    memory.close()


class Started(list):
    """Starts threads and keeps them."""

    def __call__(self, name, target):
        self.append(start_thread(name, target))
        return self[-1]


@pytest.mark.parametrize(
    ("cores", "size", "helpers"),
    [(16, 1920 * 1080 * 3, 3), (8, 1280 * 720 * 3, 3), (7, 1920 * 1080 * 3, 0), (64, 312 * 176, 0)],
)
def test_threads_start_for_large_frames_on_large_machines_only(monkeypatch, cores, size, helpers):
    monkeypatch.setattr(strips, "_cores", lambda: cores)
    started = Started()
    copier_for(started, size).close()
    assert len(started) == helpers
    assert not any(thread.is_alive() for thread in started)


def test_another_size_ends_the_threads_of_the_one_before():
    started = Started()
    memory = FrameMemory(
        lambda size: np.zeros(size, np.uint8),
        lambda size: StripCopier([HostStream("copy-0", started)]),
    )
    for size in (60, 60, 90):
        memory.prepare(size)
    first, second = started
    assert not first.is_alive()
    assert second.is_alive()
    memory.close()
    memory.close()
    assert not second.is_alive()
    memory.prepare(90)
    image = noise((10, 3, 3))
    np.testing.assert_array_equal(memory.home(image), image)
    memory.close()


@pytest.mark.needs_torch
def test_the_engine_has_its_frames_copied_with_helpers(monkeypatch):
    pytest.importorskip("torch")
    from rfviewer.engine.cuda import buffers

    monkeypatch.setattr(buffers, "page_locked", lambda size: np.zeros(size, np.uint8))
    monkeypatch.setattr(strips, "_cores", lambda: 16)
    started = Started()
    memory = buffers.frame_memory(started)
    memory.prepare(1280 * 720 * 3)
    assert len(started) == 3
    image = noise((720, 1280, 3))
    np.testing.assert_array_equal(memory.home(image), image)
    memory.close()
    assert not any(thread.is_alive() for thread in started)
