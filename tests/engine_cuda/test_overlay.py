"""The overlay on the device against the host renderer: the same bytes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rfviewer.config import ColorBy, View
from rfviewer.detections import Detections, InstanceMasks
from rfviewer.drawing import DrawSizes, outline_pen
from rfviewer.engine.cuda.overlay import view_words
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations
from rfviewer.render.host import HostRenderer
from rfviewer.timing import Stage
from rfviewer_kernels import reference
from rfviewer_kernels.overlay import overlay
from rfviewer_kernels.overlay_plan import PAINT_WORDS, ViewTable, overlay_plan
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.records import Results, decode
from tests.engine_cuda.fake_network import digests, frame, run_all

cuda = pytest.mark.needs_cuda
pytestmark = pytest.mark.needs_torch
CLASSES, MAX_RECORDS = 4, 12
NAMES = ("a",) * CLASSES
VIEWS = [
    View(labels=False),
    View(labels=False, threshold=0.65, hidden_class_ids=frozenset({3}), opacity=1.0),
    View(labels=False, masks=False, opacity=0.2),
    View(labels=False, outlines=False, boxes=False, opacity=0.77),
    View(labels=False, opacity=0.0, hidden_class_ids=frozenset(range(CLASSES))),
]


def scene(frame_wh, seed):
    """Random blobs with holes, boxes up to the border, two classes of one query on one plane."""
    width, height = frame_wh
    rng = np.random.default_rng(seed)
    results = Results.allocate(MAX_RECORDS, torch.device("cpu"))
    planes = torch.zeros(MAX_RECORDS, height, width, dtype=torch.bool)
    for row in range(MAX_RECORDS - 2):
        small = torch.from_numpy(rng.normal(-0.6, 1, (1, 1, 7, 9)).astype(np.float32))
        blob = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")[0, 0] > 0
        x0, x1 = np.sort(rng.uniform(-5, width + 5, 2)).clip(0, width)
        y0, y1 = np.sort(rng.uniform(-5, height + 5, 2)).clip(0, height)
        window = torch.zeros(height, width, dtype=torch.bool)
        window[int(y0) : int(y1) + 3, int(x0) : int(x1) + 3] = True
        planes[row] = blob & window
        floats = torch.tensor([0.95 - 0.05 * row, x0, y0, x1, y1], dtype=torch.float32)
        words = floats.view(torch.int32).tolist()
        record = [words[0], row % CLASSES, row, *words[1:], 0 if row == 1 else row]
        results.records[row] = torch.tensor(record, dtype=torch.int32)
    results.counts[0] = MAX_RECORDS - 2
    results.regions[:] = reference.regions(planes)
    return results, planes


def detections_of(results, planes):
    rows = decode(results)
    order = rows.planes.long()
    height, width = planes.shape[1:]
    masks = InstanceMasks(
        reference.pack(planes[order]).numpy(),
        results.regions[order].numpy(),
        width,
        height,
        packed=True,
    )
    return Detections(rows.boxes_xyxy.numpy(), rows.scores.numpy(), rows.class_ids.numpy(), masks)


@pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")  # the interpreter
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("frame_wh", [(52, 33), (70, 46)])
def test_the_kernel_draws_the_bytes_of_the_host_renderer(frame_wh, view):
    """In the interpreter where there is no GPU."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    results, planes = scene(frame_wh, seed=frame_wh[0])
    width, height = frame_wh
    image = np.random.default_rng(4).integers(0, 256, (height, width, 3), np.uint8)
    sizes = DrawSizes.for_frame(width, height)
    pen = outline_pen(sizes.outline_px)
    words = torch.from_numpy(view_words(view, CLASSES).copy()).to(device)
    table = ViewTable(words, CLASSES)
    paint = torch.zeros(1 + MAX_RECORDS, PAINT_WORDS, dtype=torch.int32, device=device)
    out = torch.zeros(height, width, dtype=torch.int32, device=device)
    there = Results(results.flat.to(device), MAX_RECORDS)
    overlay_plan(there, table, paint, frame_wh=frame_wh)
    overlay(
        torch.from_numpy(image).to(device),
        there,
        paint,
        reference.pack(planes).to(device),
        table,
        torch.from_numpy(pen.shares.astype(np.int32)).to(device),
        out,
        layout=Layout.BGR,
        box_reach=sizes.box_reach,
        outline_reach=pen.reach,
    )
    got = out.cpu().numpy().view(np.uint8).reshape(height, width, 4)
    shown = detections_of(results, planes).visible(view.threshold, view.hidden_class_ids)
    host = HostRenderer().render(Frame(image, width, height, 0, 0.0, 0), shown, view, NAMES)
    np.testing.assert_array_equal(got, host)


def drawn_by_the_host(result, view):
    shown = result.detections.visible(view.threshold, view.hidden_class_ids)
    return HostRenderer().render(result.frame, shown, view, ("a",) * 5)


def run_drawn(engine, frames, view, threshold=0.5):
    results = []
    for item in frames:
        if engine.in_flight == engine.depth:
            results.append(engine.collect())
        engine.submit(item, threshold, view)
    while engine.in_flight:
        results.append(engine.collect())
    return results


FRAMES = [frame(index, (45, 30)) for index in range(8)]
LIVE = View(labels=False, threshold=0.5)


@cuda
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize(
    "off", ["none", "cuda_graph", "pinned_output", "fixed_copy", "limit_masks", "event_waits"]
)
def test_every_frame_comes_drawn_as_the_host_draws_it(make, depth, off):
    wanted = Optimizations(depth=depth)
    if off != "none":
        wanted = replace(wanted, **{off: False})
    engine = make(wanted)
    results = run_drawn(engine, FRAMES, LIVE)
    for result in results:
        assert result.overlay == LIVE
        assert result.optimizations.device_overlay
        np.testing.assert_array_equal(result.composited, drawn_by_the_host(result, LIVE))
        assert result.timings.stages_ms[Stage.RENDER] > 0
    assert digests(results) == digests(run_all(make(), FRAMES))


@cuda
def test_only_what_was_asked_for_is_drawn_and_views_change_without_a_capture(make):
    engine = make(Optimizations(depth=2))
    run_drawn(engine, FRAMES, LIVE)
    slots = list(engine._slots)
    views = [None, LIVE, replace(LIVE, opacity=0.9), None, replace(LIVE, boxes=False), LIVE]
    results = []
    for item, view in zip(FRAMES, views, strict=False):
        if engine.in_flight == engine.depth:
            results.append(engine.collect())
        engine.submit(item, 0.5, view)
    while engine.in_flight:
        results.append(engine.collect())
    assert engine._slots == slots
    for result, view in zip(results, views, strict=True):
        assert result.overlay == view
        if view is None:
            assert result.composited is None
            assert Stage.RENDER not in result.timings.stages_ms
        else:
            np.testing.assert_array_equal(result.composited, drawn_by_the_host(result, view))


@cuda
def test_images_stay_valid_and_their_memory_is_used_again(make):
    engine = make(Optimizations(depth=2))
    first = run_drawn(engine, FRAMES[:1], LIVE)[0]
    before = first.composited.copy()
    run_drawn(engine, FRAMES * 3, LIVE)
    np.testing.assert_array_equal(first.composited, before)
    device = torch.cuda.memory_stats()["allocation.all.allocated"]
    pinned = torch.cuda.host_memory_stats()["num_host_alloc"]
    for item in FRAMES * 4:
        run_drawn(engine, [item], LIVE)
    assert torch.cuda.memory_stats()["allocation.all.allocated"] == device
    assert torch.cuda.host_memory_stats()["num_host_alloc"] == pinned


@cuda
@pytest.mark.parametrize(
    ("wanted", "view"),
    [
        (Optimizations(device_overlay=False), LIVE),
        (Optimizations(packed_masks=False), LIVE),
        (Optimizations(), replace(LIVE, color_by=ColorBy.INSTANCE)),
        (Optimizations(), replace(LIVE, split=0.5)),
    ],
)
def test_what_the_device_cannot_or_may_not_draw_is_left_to_the_host(make, wanted, view):
    result = run_drawn(make(wanted), FRAMES[:1], view)[0]
    assert result.composited is None
    assert result.overlay is None


@cuda
@pytest.mark.parametrize("graph", [True, False])
def test_rows_that_only_the_overlay_shows_are_there(make, graph):
    """Undrawn frames between leave theirs on the host."""
    frames = [frame(index, (64, 480)) for index in range(8)]
    engine = make(Optimizations(depth=2, cuda_graph=graph))
    run_all(engine, frames)
    for result in run_drawn(engine, frames, LIVE):
        np.testing.assert_array_equal(result.composited, drawn_by_the_host(result, LIVE))


@cuda
def test_frames_in_nv12_are_drawn_too(make):
    from rfviewer.frame import PixelFormat
    from rfviewer_kernels.reference import to_rgb

    image = np.random.default_rng(3).integers(0, 256, (21, 20), np.uint8)
    nv12 = Frame(image, 20, 14, 0, 0.0, 0, pixel_format=PixelFormat.NV12)
    result = run_drawn(make(), [nv12], LIVE)[0]
    bgr = to_rgb(torch.from_numpy(image), Layout.NV12).permute(1, 2, 0).flip(2).contiguous()
    plain = replace(result, frame=Frame(bgr.to(torch.uint8).numpy(), 20, 14, 0, 0.0, 0))
    np.testing.assert_array_equal(result.composited, drawn_by_the_host(plain, LIVE))


@cuda
def test_a_network_without_masks_gets_boxes(make):
    from rfviewer.engine.cuda.network import DeviceOutputs
    from tests.engine_cuda.fake_network import SPEC, BoundFake, FakeNetwork

    class Bound(BoundFake):
        def enqueue(self, stream, nearly_done=None):
            raw = super().enqueue(stream, nearly_done)
            return DeviceOutputs(raw.boxes, raw.logits, None)

    class NoMasks(FakeNetwork):
        mask_hw = None

        def bind(self, batch=1):
            return Bound(self, batch)

    engine = make(Optimizations(depth=2), network=NoMasks(), spec=replace(SPEC, has_masks=False))
    for result in run_drawn(engine, FRAMES[:3], LIVE):
        assert len(result.detections)
        np.testing.assert_array_equal(result.composited, drawn_by_the_host(result, LIVE))
