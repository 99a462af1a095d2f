"""The GPU engine on a tiny network: frames in flight, sizes and formats, what comes out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rfviewer.engine.ranges import Ranges
from rfviewer.errors import EngineError
from rfviewer.frame import Frame, PixelFormat
from rfviewer.optimizations import Optimizations
from tests.engine_cuda.fake_network import (
    FRAMES,
    SPEC,
    BoundFake,
    FakeNetwork,
    digest,
    digests,
    frame,
    run_all,
)

pytestmark = pytest.mark.needs_cuda


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_frames_in_flight_never_mix(make, wanted, depth):
    engine = make(Optimizations(depth=depth))
    results = run_all(engine, FRAMES)
    assert [result.frame for result in results] == FRAMES
    assert digests(results) == wanted


def test_results_stay_valid(make):
    engine = make(Optimizations(depth=2))
    first = run_all(engine, FRAMES[:1])[0]
    before = digest(first)
    run_all(engine, FRAMES[1:])
    engine.close()
    assert digest(first) == before


def test_too_many_frames_and_configuring_in_flight_are_refused(make):
    engine = make(Optimizations(depth=2))
    engine.submit(FRAMES[0], 0.5)
    with pytest.raises(RuntimeError, match="in flight"):
        engine.configure(Optimizations(depth=1))
    with pytest.raises(RuntimeError, match="in flight"):
        engine.replay_backend(1)
    engine.submit(FRAMES[1], 0.5)
    with pytest.raises(RuntimeError, match="2 frames are in flight"):
        engine.submit(FRAMES[2], 0.5)
    assert engine.collect().frame is FRAMES[0]
    assert engine.collect().frame is FRAMES[1]
    assert engine.in_flight == 0


def test_the_frame_size_may_change_with_frames_in_flight(make, wanted):
    engine = make(Optimizations(depth=3))
    large = [frame(100 + index, (45, 30)) for index in range(5)]
    alone = digests(run_all(make(), large))
    results = run_all(engine, [*FRAMES[:5], *large, *FRAMES[5:10]])
    assert digests(results) == [*wanted[:5], *alone, *wanted[5:10]]
    assert (results[5].detections.masks.width, results[5].detections.masks.height) == (45, 30)


@pytest.mark.parametrize("graph", [True, False])
def test_the_threshold_is_live(make, graph):
    engine = make(Optimizations(depth=2, cuda_graph=graph))
    low = run_all(engine, FRAMES[:6], 0.3)
    for threshold in (0.5, 0.7, 0.3):
        for result, all_of_it in zip(run_all(engine, FRAMES[:6], threshold), low, strict=True):
            kept = all_of_it.detections.visible(threshold, ())
            assert result.threshold == threshold
            assert digest(result) == digest(replace(all_of_it, detections=kept))


def test_frames_in_nv12_and_read_only_frames(make):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (21, 20), np.uint8)
    image.setflags(write=False)
    nv12 = Frame(image, 20, 14, 0, 0.0, 0, pixel_format=PixelFormat.NV12)
    found = [
        digest(run_all(make(replace(Optimizations(depth=1), pinned_input=pinned)), [nv12])[0])
        for pinned in (True, False)
    ]
    assert found[0] == found[1]
    odd = Frame(np.zeros((15, 11), np.uint8), 11, 10, 0, 0.0, 0, pixel_format=PixelFormat.NV12)
    with pytest.raises(EngineError, match="even sizes"):
        make().submit(odd, 0.5)


def test_an_invalid_output_fails_its_frame_only(make):
    network = FakeNetwork()
    engine = make(Optimizations(depth=1), network=network)
    good = digest(run_all(engine, FRAMES[:1])[0])
    network.poison.fill_(float("nan"))
    engine.submit(FRAMES[0], 0.5)
    with pytest.raises(EngineError, match="holds NaN or infinity"):
        engine.collect()
    network.poison.zero_()
    torch.cuda.synchronize()
    assert digest(run_all(engine, FRAMES[:1])[0]) == good


def test_the_device_tells_how_busy_it_is(make):
    engine = make(Optimizations(depth=2))
    assert engine.device_usage().gpu_idle is None
    run_all(engine, FRAMES * 4)
    usage = engine.device_usage()
    assert 0.0 <= usage.gpu_idle <= 1.0
    assert usage.reason == ""
    assert 0.0 <= usage.network_gap_p50_ms <= usage.network_gap_p95_ms
    assert usage.memory_used_bytes is None or usage.memory_used_bytes > 0


@pytest.mark.parametrize("graph", [True, False])
def test_ranges_stand_around_stages_or_around_the_graph(make, wanted, graph):
    seen = []
    chosen = Optimizations(depth=2, cuda_graph=graph)
    engine = make(chosen)
    engine.use_ranges(Ranges(seen.append, lambda: seen.append("end")))
    assert digests(run_all(engine, FRAMES)) == wanted
    names = [name for name in seen if name != "end"]
    stages = ["h2d", "preprocess", "infer", "postprocess", "d2h"]
    expected = ["graph " + "+".join(stages)] if graph else stages
    assert names == expected * len(FRAMES)
    assert len(seen) == 2 * len(names)
    seen.clear()
    engine.configure(replace(chosen, roi_masks=False))  # new slots are marked too
    run_all(engine, FRAMES[:1])
    assert "infer" in " ".join(seen)


def test_a_network_without_masks(make):
    class NoMasks(FakeNetwork):
        mask_hw = None

        def bind(self, batch=1):
            bound = BoundFake(self, batch)
            enqueue = bound.enqueue
            bound.enqueue = lambda *args: replace(enqueue(*args), masks=None)
            return bound

    spec = replace(SPEC, has_masks=False)
    found = [
        run_all(make(chosen, network=NoMasks(), spec=spec), FRAMES)
        for chosen in (Optimizations(depth=2), replace(Optimizations(depth=2), fixed_copy=False))
    ]
    assert digests(found[0]) == digests(found[1])
    assert found[0][0].detections.masks is None
    assert sum(len(result.detections) for result in found[0]) > 0
