"""Events and stamps of kernels on one time base."""

import pytest

torch = pytest.importorskip("torch")

from rfviewer.engine.cuda import clock as clock_module  # noqa: E402
from rfviewer.engine.cuda.clock import DeviceClock  # noqa: E402
from rfviewer_kernels.timestamps import stamp  # noqa: E402

pytestmark = pytest.mark.needs_cuda
APART_MS = 0.05
"""More than the launch of a kernel behind another takes."""


def both_times(clock, stream):
    """Return when an event and a kernel right behind it ran, on the clock's base, in ms."""
    event, at = torch.cuda.Event(enable_timing=True), torch.zeros(1, dtype=torch.int64).pin_memory()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(2_000_000)  # the device gets there when both are on the stream
        event.record(stream)
        stamp(at, stream.device)
    stream.synchronize()
    return clock.base.time_ms(event), clock.base.stamped_ms(int(at))


def test_events_and_stamps_have_one_base():
    stream = torch.cuda.Stream()
    event_ms, stamped_ms = both_times(DeviceClock(stream), stream)
    assert event_ms > 0
    assert stamped_ms == pytest.approx(event_ms, abs=APART_MS)


@pytest.mark.parametrize("limit", ["_REBASE_NS", "_PAUSE_NS"])
def test_the_base_moves_on_and_time_goes_on(monkeypatch, limit):
    stream = torch.cuda.Stream()
    clock = DeviceClock(stream)
    first_ms, _ = both_times(clock, stream)
    monkeypatch.setattr(clock_module, limit, -1)
    before = clock.base
    clock.tick(stream)
    stream.synchronize()
    clock.tick(stream)
    assert clock.base is not before
    event_ms, stamped_ms = both_times(clock, stream)
    assert event_ms > first_ms
    assert stamped_ms == pytest.approx(event_ms, abs=APART_MS)
