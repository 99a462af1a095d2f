"""Parts of a frame's way that run back to back on the GPU, as the ceilings are measured."""

import pytest
import torch

from rfviewer.experiment import ReplayPart
from rfviewer.optimizations import Optimizations
from tests.engine_cuda.fake_network import FRAMES, FakeNetwork, digests, run_all

pytestmark = pytest.mark.needs_cuda


def test_the_bare_network_can_be_replayed(make):
    engine = make()
    durations = engine.replay_backend(70)
    assert len(durations) == 70
    assert all(duration > 0 for duration in durations)


@pytest.mark.parametrize("part", ReplayPart)
@pytest.mark.parametrize("pinned", [True, False])
def test_parts_of_a_slot_can_be_replayed_and_leave_the_slots_alone(make, wanted, part, pinned):
    engine = make(Optimizations(depth=2, pinned_input=pinned))
    run_all(engine, FRAMES[:2])
    durations = engine.replay_part(part, FRAMES[5], 70)
    assert len(durations) == 70
    assert all(duration > 0 for duration in durations)
    assert digests(run_all(engine, FRAMES)) == wanted
    engine.submit(FRAMES[0], 0.5)
    with pytest.raises(RuntimeError, match="in flight"):
        engine.replay_part(part, FRAMES[0], 1)


def test_a_part_prepares_the_frame_that_is_given(make):
    engine = make()
    inputs = []
    for index in (3, 4):
        engine.replay_part(ReplayPart.COPY_IN, FRAMES[index], 2)
        inputs.append(engine._sets.place(0)[1].network_input.clone())
        run_all(engine, FRAMES[index : index + 1])
        torch.testing.assert_close(engine._sets.place(0)[1].network_input, inputs[-1])
    assert not torch.equal(*inputs)


def test_parts_are_replayed_without_a_graph_where_none_can_be_had(make):
    engine = make(network=FakeNetwork(waits=True))
    assert len(engine.replay_part(ReplayPart.CLONES, FRAMES[0], 3)) == 3
