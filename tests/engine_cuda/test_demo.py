"""The GPU engine on the demo network and the whole demo clip."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rfviewer.config import EngineConfig, ResizeMode
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.models.demo import demo_spec
from rfviewer.optimizations import Optimizations
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
        replace(item, image=cv2.resize(item.image, (640, 360)), width=640, height=360)
        for item in clip[:12]
    ]
    engine = engine_of(demo_network, Optimizations(depth=3))
    results = run_all(engine, [*clip[:12], *large, *clip[12:24]], THRESHOLD)
    assert digests([*results[:12], *results[24:]]) == one_slot[:24]
    found = [len(result.detections) for result in results]
    assert sum(found[12:24]) == pytest.approx(sum(found[:12]), rel=0.2)
    assert torch.cuda.memory_allocated() > 0
    engine.close()


@pytest.mark.parametrize("resize", [ResizeMode.A, ResizeMode.B])
def test_the_gpu_finds_what_the_cpu_finds(demo_network, clip, resize):
    """Tolerance E3 of the correctness gate: fp16 against fp32."""
    pytest.importorskip("onnxruntime")
    from rfviewer.engine.backends.onnxruntime import OrtBackend
    from rfviewer.engine.host_engine import HostEngine
    from rfviewer.pipeline.threads import start_thread

    frames = clip[::60]
    config = EngineConfig(resize=resize)
    host = HostEngine(
        OrtBackend(demo_spec(), config, lambda step: None),
        demo_spec(),
        config,
        Optimizations(depth=1),
        backend_reason="asked for by name",
        start_thread=start_thread,
    )
    wanted = run_all(host, frames, THRESHOLD - BAND)
    host.close()
    engine = engine_of(demo_network, Optimizations(depth=2), resize)
    found = run_all(engine, frames, THRESHOLD - BAND)
    engine.close()
    pairs = sum(agree(a.detections, b.detections) for a, b in zip(found, wanted, strict=True))
    assert pairs > 100


def agree(found, wanted):
    """Assert that both hold the same firm detections; return how many were paired."""
    firm, taken, overlaps = THRESHOLD + BAND, set(), []
    for index in range(len(wanted)):
        distance = np.abs(found.boxes_xyxy - wanted.boxes_xyxy[index]).max(1)
        cost = distance / GATE_PX + np.abs(found.scores - wanted.scores[index])
        cost[(found.class_ids != wanted.class_ids[index]) | (distance > GATE_PX)] = np.inf
        cost[list(taken)] = np.inf
        best = int(np.argmin(cost)) if len(cost) else -1
        if best < 0 or np.isinf(cost[best]):
            assert wanted.scores[index] < firm, "a firm detection is missing"
            continue
        taken.add(best)
        if max(wanted.scores[index], found.scores[best]) < THRESHOLD:
            continue
        assert distance[best] <= 5.0
        assert abs(float(found.scores[best] - wanted.scores[index])) <= 0.03
        a, b = mask_of(found.masks, best), mask_of(wanted.masks, index)
        union, differing = int((a | b).sum()), int((a ^ b).sum())
        overlaps.append(1.0 if not union else 1 - differing / union)
        assert overlaps[-1] >= 0.95 or differing <= 32
    left = set(range(len(found))) - taken
    assert all(found.scores[index] < firm for index in left), "an extra firm detection"
    assert not overlaps or np.mean(overlaps) >= 0.98
    return len(taken)


def mask_of(masks, index):
    whole = np.zeros((masks.height, masks.width), bool)
    crop, x0, y0 = masks.crop(index)
    whole[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1]] = crop
    return whole
