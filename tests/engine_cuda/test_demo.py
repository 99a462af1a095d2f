"""The GPU engine on the demo network and the whole demo clip."""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
import torch
from triton.runtime.errors import OutOfResources

from rfviewer.config import EngineConfig, ResizeMode
from rfviewer.engine.backends import torch_network
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.models.demo import demo_spec
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.threads import start_thread
from tests.engine_cuda.fake_network import digests, run_all

pytestmark = [pytest.mark.needs_cuda, pytest.mark.slow]

THRESHOLD, BAND, GATE_PX = 0.4, 0.03, 40.0


def engine_of(network, optimizations, resize=ResizeMode.A):
    return CudaEngine(
        network,
        demo_spec(),
        EngineConfig(resize=resize),
        optimizations,
        backend_reason="asked for by name",
        start_thread=start_thread,
    )


@pytest.fixture(scope="module")
def one_slot(demo_network, clip):
    """Digests of the whole clip, one frame at a time."""
    engine = engine_of(demo_network, Optimizations(depth=1))
    results = run_all(engine, clip, THRESHOLD)
    engine.close()
    assert len(results) == 538
    assert sum(len(result.detections) for result in results) > 10_000
    return digests(results)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_every_frame_is_the_same_at_every_depth(demo_network, clip, one_slot, depth):
    engine = engine_of(demo_network, Optimizations(depth=depth))
    results = run_all(engine, clip, THRESHOLD)
    assert [result.frame for result in results] == clip
    assert digests(results) == one_slot
    engine.close()


def test_graph_and_eager_are_bit_equal(demo_network, clip, one_slot):
    engine = engine_of(demo_network, Optimizations(depth=2, cuda_graph=False))
    assert digests(run_all(engine, clip[:200], THRESHOLD)) == one_slot[:200]
    engine.close()


def test_frame_sizes_come_and_go(demo_network, clip, one_slot):
    import cv2

    large = [
        replace(item, picture=cv2.resize(item.image, (640, 360)), width=640, height=360)
        for item in clip[:12]
    ]
    engine = engine_of(demo_network, Optimizations(depth=3))
    results = run_all(engine, [*clip[:12], *large, *clip[12:24]], THRESHOLD)
    assert digests([*results[:12], *results[24:]]) == one_slot[:24]
    found = [len(result.detections) for result in results]
    assert sum(found[12:24]) == pytest.approx(sum(found[:12]), rel=0.2)
    assert torch.cuda.memory_allocated() > 0
    engine.close()


@pytest.fixture(scope="module")
def on_the_cpu(clip):
    """Return a function: what ONNX Runtime finds in fp32 on every 60th frame."""
    pytest.importorskip("onnxruntime")
    from rfviewer.engine.backends.onnxruntime import OrtBackend
    from rfviewer.engine.host_engine import HostEngine

    @cache
    def run(resize):
        config = EngineConfig(resize=resize)
        host = HostEngine(
            OrtBackend(demo_spec(), config, lambda step: None),
            demo_spec(),
            config,
            Optimizations(depth=1),
            backend_reason="asked for by name",
            start_thread=start_thread,
        )
        results = run_all(host, clip[::60], THRESHOLD - BAND)
        host.close()
        return results

    return run


@pytest.mark.parametrize("resize", [ResizeMode.A, ResizeMode.B])
def test_the_gpu_in_fp32_finds_what_the_cpu_finds(demo_network_fp32, clip, on_the_cpu, resize):
    """Tolerance E2: the same precision on other kernels."""
    engine = engine_of(demo_network_fp32, Optimizations(depth=2), resize)
    tally = compared(run_all(engine, clip[::60], THRESHOLD - BAND), on_the_cpu(resize))
    engine.close()
    assert len(tally.boxes_px) > 100
    assert tally.odd == 0
    assert max(tally.boxes_px) <= 0.5
    assert max(tally.scores) <= 0.01
    assert min(tally.overlaps) >= 0.95


@pytest.mark.parametrize("resize", [ResizeMode.A, ResizeMode.B])
def test_the_gpu_in_fp16_finds_nearly_the_same(demo_network, clip, on_the_cpu, resize):
    """fp16 swaps queries near the in-network top-k, so single rows differ (OPTIMIZATION_LOG)."""
    engine = engine_of(demo_network, Optimizations(depth=2), resize)
    tally = compared(run_all(engine, clip[::60], THRESHOLD - BAND), on_the_cpu(resize))
    engine.close()
    assert len(tally.boxes_px) > 100
    assert tally.odd <= 0.02 * len(tally.boxes_px)
    assert np.quantile(tally.boxes_px, 0.99) <= 2.0
    assert np.quantile(tally.scores, 0.95) <= 0.05
    assert np.mean(tally.overlaps) >= 0.99


@pytest.mark.parametrize("frames", [2, 4, 8])
def test_several_frames_a_pass_find_nearly_the_same(demo_network, clip, frames):
    """Another batch picks other kernels: fp16 differs as above; no frame is lost or swapped."""
    alone = engine_of(demo_network, Optimizations(depth=2))
    wanted = run_all(alone, clip[:203], THRESHOLD - BAND)
    alone.close()
    engine = engine_of(demo_network, Optimizations(depth=2, micro_batch=frames))
    found = run_all(engine, clip[:203], THRESHOLD - BAND)
    engine.close()
    assert [result.frame for result in found] == clip[:203]
    assert {result.optimizations.micro_batch for result in found} == {frames}
    tally = compared(found, wanted)
    assert len(tally.boxes_px) > 1000
    assert tally.odd <= 0.02 * len(tally.boxes_px)
    assert np.quantile(tally.boxes_px, 0.99) <= 2.0
    assert np.quantile(tally.scores, 0.95) <= 0.05
    assert np.mean(tally.overlaps) >= 0.99


@dataclass
class Tally:
    """How two runs differ, over all frames."""

    odd: int = 0
    """Firm detections of one run that the other lacks."""
    boxes_px: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    overlaps: list[float] = field(default_factory=list)


def compared(found, wanted):
    tally = Tally()
    for a, b in zip(found, wanted, strict=True):
        compare_frame(a.detections, b.detections, tally)
    return tally


def compare_frame(found, wanted, tally):
    """Pair rows of equal class, best scores first, each with its nearest row."""
    firm, taken = THRESHOLD + BAND, set()
    for index in range(len(wanted)):
        distance = np.abs(found.boxes_xyxy - wanted.boxes_xyxy[index]).max(1)
        cost = distance / GATE_PX + np.abs(found.scores - wanted.scores[index])
        cost[(found.class_ids != wanted.class_ids[index]) | (distance > GATE_PX)] = np.inf
        cost[list(taken)] = np.inf
        best = int(np.argmin(cost)) if len(cost) else -1
        if best < 0 or np.isinf(cost[best]):
            tally.odd += int(wanted.scores[index] >= firm)
            continue
        taken.add(best)
        if max(wanted.scores[index], found.scores[best]) < THRESHOLD:
            continue
        tally.boxes_px.append(float(distance[best]))
        tally.scores.append(abs(float(found.scores[best] - wanted.scores[index])))
        a, b = mask_of(found.masks, best), mask_of(wanted.masks, index)
        union = int((a | b).sum())
        tally.overlaps.append(int((a & b).sum()) / union if union else 1.0)
    left = set(range(len(found))) - taken
    tally.odd += sum(int(found.scores[index] >= firm) for index in left)


def mask_of(masks, index):
    whole = np.zeros((masks.height, masks.width), bool)
    crop, x0, y0 = masks.crop(index)
    whole[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1]] = crop
    return whole


def test_cloned_outputs_keep_the_types_of_the_form_in_use(demo_network, clip, one_slot):
    off = Optimizations(depth=1, fused_network=False, zero_copy_output=False)
    engine = engine_of(demo_network, off)  # boxes in fp16
    engine.configure(replace(off, fused_network=True))  # boxes in fp32
    assert digests(run_all(engine, clip[:20], THRESHOLD)) == one_slot[:20]
    engine.close()


def test_kernels_that_do_not_fit_the_gpu_leave_the_traced_form(monkeypatch):
    def too_large(module, input_hw):
        def run(network_input, side=None):
            raise OutOfResources(417792, 101376, "shared memory")

        return run

    monkeypatch.setattr(torch_network, "FusedNetwork", too_large)
    network = torch_network.TorchNetwork(demo_spec(), EngineConfig(), lambda text: None)
    assert "do not run on this GPU (out of resource: shared memory" in network.fused_obstacle
    assert "traced" in network.form
    assert not network.use_form(fused=True, dependent=True, batch=1)
    network.close()


def test_both_forms_find_the_same_and_flip_live(demo_network, clip, one_slot):
    engine = engine_of(demo_network, Optimizations(depth=2))
    fused = run_all(engine, clip[:20], THRESHOLD)
    engine.configure(Optimizations(depth=2, fused_network=False))
    assert "traced" in engine.info.backend_reason
    traced = run_all(engine, clip[:20], THRESHOLD)
    assert {result.optimizations.fused_network for result in traced} == {False}
    counts = [(len(a.detections), len(b.detections)) for a, b in zip(fused, traced, strict=True)]
    assert sum(a for a, _ in counts) > 200
    # fp16 both: a weak detection now and then, never another scene.
    assert all(abs(a - b) <= 2 for a, b in counts)
    engine.configure(Optimizations(depth=2))
    assert digests(run_all(engine, clip[:20], THRESHOLD)) == digests(fused) == one_slot[:20]
    engine.close()


@pytest.mark.parametrize("chosen", [Optimizations(depth=2), Optimizations(depth=2, micro_batch=4)])
def test_dependent_launches_change_no_byte_and_flip_live(demo_network, clip, one_slot, chosen):
    if demo_network.dependent_obstacle:
        pytest.skip(demo_network.dependent_obstacle)
    engine = engine_of(demo_network, chosen)
    for wanted in (True, False, True):
        engine.configure(replace(chosen, dependent_launch=wanted))
        assert demo_network.launches_dependently == wanted
        results = run_all(engine, clip[:200], THRESHOLD)
        assert digests(results) == one_slot[:200]
        assert {result.optimizations.dependent_launch for result in results} == {wanted}
    engine.close()


def test_the_bare_network_is_captured_again_as_it_is_launched_now(demo_network, clip):
    if demo_network.dependent_obstacle:
        pytest.skip(demo_network.dependent_obstacle)
    engine = engine_of(demo_network, Optimizations(depth=1))
    run_all(engine, clip[:1], THRESHOLD)
    graphs = []
    for wanted in (True, False, True):
        engine.configure(Optimizations(depth=1, dependent_launch=wanted))
        engine.replay_backend(2)
        graphs.append(engine._replays._bare[1])
    assert len(set(map(id, graphs))) == 3
    engine.close()
