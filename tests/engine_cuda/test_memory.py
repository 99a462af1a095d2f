"""The memory of the GPU engine: taken once, freed at the end, and what happens when it is full."""

import gc

import pytest
import torch

from rfviewer.errors import EngineError
from rfviewer.optimizations import Optimizations
from tests.engine_cuda.fake_network import FRAMES, FakeNetwork, allocates_nothing, digests, run_all

pytestmark = pytest.mark.needs_cuda


def test_nothing_is_allocated_after_warm_up(make):
    engine = make(Optimizations(depth=3))
    run_all(engine, FRAMES)
    allocates_nothing(engine, FRAMES * 4)


def test_without_graphs_the_pool_does_not_grow(make):
    engine = make(Optimizations(depth=3, cuda_graph=False))
    run_all(engine, FRAMES)
    before = torch.cuda.memory_stats()["segment.all.allocated"]
    run_all(engine, FRAMES * 4)
    assert torch.cuda.memory_stats()["segment.all.allocated"] == before


def test_closing_frees_the_memory(make):
    gc.collect()  # what earlier tests left

    def cycle():
        network = FakeNetwork()
        engine = make(Optimizations(depth=4), network=network)
        run_all(engine, FRAMES)
        engine.submit(FRAMES[0], 0.5)
        engine.close()
        engine.close()
        assert network.closed
        network.mixers, network.poison, network.poison_rows = [], None, None
        return torch.cuda.memory_allocated()

    assert cycle() == cycle()


def test_what_was_in_effect_stays_when_a_setting_cannot_be_had(make, wanted):
    network = FakeNetwork()
    network.capacity = 3  # two that run and a spare one
    engine = make(Optimizations(depth=2), network=network)
    before = engine.info.toggles
    with pytest.raises(EngineError, match="memory does not suffice"):
        engine.configure(Optimizations(depth=4, roi_masks=False))
    assert (engine.info.toggles, engine.depth) == (before, 2)
    assert digests(run_all(engine, FRAMES)) == wanted
    network.capacity = 5
    engine.configure(Optimizations(depth=4))
    assert digests(run_all(engine, FRAMES)) == wanted
