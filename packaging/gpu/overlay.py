"""The overlay on a GPU: against the host renderer on the demo clip, its time, and what it costs.

    PYTHONPATH=.:kernels:packaging/gpu python packaging/gpu/overlay.py OUT.json

Times are of graph replays; rates are of the engine alone, frames in memory, results thrown away.
"""

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import torch
from timing import replay_timing

from rfviewer.config import EngineConfig, View
from rfviewer.drawing import DrawSizes, outline_pen
from rfviewer.engine.backends.torch_network import TorchNetwork
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.engine.cuda.overlay import view_words
from rfviewer.frame import Frame
from rfviewer.models.demo import demo_spec
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.paths import resource
from rfviewer.pipeline.threads import start_thread
from rfviewer.render.host import HostRenderer
from rfviewer.result import FrameResult
from rfviewer_kernels.overlay import overlay
from rfviewer_kernels.overlay_plan import PAINT_WORDS, ViewTable, overlay_plan
from rfviewer_kernels.pixels import Layout

THRESHOLD = 0.4
VIEW = View(labels=False, threshold=THRESHOLD)
VIEWS = (
    VIEW,
    replace(VIEW, opacity=0.8, hidden_class_ids=frozenset({1})),
    replace(VIEW, boxes=False),
)
LARGE_WH = (1920, 1080)
TILES = ((4, 16), (2, 32), (4, 8), (8, 4))
DISPLAY_HZ = 60.0
BLOCK, BLOCKS = 700, 10

type Note = Callable[[str, object], None]


def clip(count: int | None = None) -> list[Frame]:
    """Return frames of the demo clip."""
    reader = cv2.VideoCapture(str(resource("demo_clip.mp4")))
    frames: list[Frame] = []
    while count is None or len(frames) < count:
        good, image = reader.read()
        if not good:
            break
        height, width = image.shape[:2]
        frames.append(
            Frame(image.astype(np.uint8), width, height, len(frames), len(frames) / 30, 0)
        )
    return frames


def enlarged(frames: list[Frame]) -> list[Frame]:
    """Return `frames` at 1920x1080."""
    width, height = LARGE_WH
    images = [cv2.resize(item.image, LARGE_WH).astype(np.uint8) for item in frames]
    return [
        replace(item, picture=image, width=width, height=height)
        for item, image in zip(frames, images, strict=True)
    ]


def results_of(engine: CudaEngine, frames: list[Frame], view: View | None) -> Iterator[FrameResult]:
    """Yield the result of each frame in order, `depth` in flight."""
    for item in frames:
        if engine.in_flight == engine.depth:
            yield engine.collect()
        engine.submit(item, THRESHOLD, view)
    while engine.in_flight:
        yield engine.collect()


def compare(engine: CudaEngine, frames: list[Frame], note: Note, name: str) -> None:
    """Compare every frame, drawn with three views, with what the host renderer draws."""
    worst, differing, objects, count = 0, 0, 0, 0
    for view in VIEWS:
        for result in results_of(engine, frames, view):
            shown = result.detections.visible(view.threshold, view.hidden_class_ids)
            if result.composited is None:
                raise RuntimeError("a frame came back without its overlay")
            host = HostRenderer().render(result.frame, shown, view, engine.info.class_names)
            difference = cv2.absdiff(host, result.composited)
            worst = max(worst, int(difference.max()))
            differing += int(np.count_nonzero(difference))
            objects += len(shown)
            count += 1
    note(
        f"against the host renderer, {name}",
        {"images": count, "objects": objects, "worst_levels": worst, "differing_bytes": differing},
    )


def time_kernel(engine: CudaEngine, frame: Frame, note: Note) -> None:
    """Time plan and kernel on a real frame by tile and warps."""
    result = next(iter(results_of(engine, [frame], VIEW)))
    slot = engine._slots[0]  # noqa: SLF001 - its buffers hold the frame and its masks
    buffers = slot._seats[0]._buffers  # noqa: SLF001
    if buffers.masks is None:
        raise RuntimeError("the demo model gave no masks")
    planes = buffers.masks.planes
    device = buffers.results.flat.device
    classes = len(engine.info.class_names)
    view = ViewTable(torch.from_numpy(view_words(VIEW, classes).copy()).to(device), classes)
    sizes = DrawSizes.for_frame(frame.width, frame.height)
    pen = outline_pen(sizes.outline_px)
    shares = torch.from_numpy(pen.shares.astype(np.int32)).to(device)
    rows = 1 + buffers.results.max_records
    paint = torch.zeros(rows, PAINT_WORDS, dtype=torch.int32, device=device)
    out = torch.zeros(frame.height, frame.width, dtype=torch.int32, device=device)
    wh = (frame.width, frame.height)

    def plan() -> None:
        overlay_plan(buffers.results, view, paint, frame_wh=wh)

    plan()
    times = {"objects": len(result.detections), "plan": replay_timing(plan).median_us}
    for tile, warps in product(TILES, (1, 2, 4)):

        def draw(tile: tuple[int, int] = tile, warps: int = warps) -> None:
            overlay(
                buffers.device_input.image,
                buffers.results,
                paint,
                planes,
                view,
                shares,
                out,
                layout=Layout.BGR,
                box_reach=sizes.box_reach,
                outline_reach=pen.reach,
                tile=tile,
                warps=warps,
            )

        times[f"{tile[0]}x{tile[1]} bytes, {warps} warps"] = replay_timing(draw).median_us
    note(f"kernel us, {frame.width}x{frame.height}", times)


def rate(engine: CudaEngine, frames: list[Frame], *, drawn: bool) -> tuple[float, int]:
    """Return frames a second over one block, and how many of them came drawn."""
    period_s, due = 1 / DISPLAY_HZ, 0.0
    images, start = 0, time.perf_counter()
    for index in range(BLOCK):
        if engine.in_flight == engine.depth:
            images += engine.collect().composited is not None
        now = time.perf_counter()
        wanted = drawn and now >= due
        if wanted:
            due = max(due + period_s, now - period_s)
        engine.submit(frames[index % len(frames)], THRESHOLD, VIEW if wanted else None)
    while engine.in_flight:
        images += engine.collect().composited is not None
    return BLOCK / (time.perf_counter() - start), images


def cost(engine: CudaEngine, frames: list[Frame], note: Note, name: str) -> None:
    """Measure the rate with the drawn frame copied back at 60 Hz and without, in turns."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    images = 0
    rate(engine, frames, drawn=True)
    for turn in range(2 * BLOCKS):
        drawn = turn % 4 in (1, 2)
        found, count = rate(engine, frames, drawn=drawn)
        rates[drawn].append(found)
        images += count
    without, with_it = (statistics.median(rates[drawn]) for drawn in (False, True))
    note(
        f"60 Hz overlay, {name}",
        {
            "without_fps": round(without, 1),
            "with_fps": round(with_it, 1),
            "ratio": round(with_it / without, 4),
            "images": images,
            "blocks_without": [round(value, 1) for value in rates[False]],
            "blocks_with": [round(value, 1) for value in rates[True]],
        },
    )


def toggles(engine: CudaEngine, frames: list[Frame], note: Note, depth: int) -> None:
    """Flip each bit-exact switch and compare all detections with everything on."""

    def digest() -> str:
        body = hashlib.sha256()
        for result in results_of(engine, frames, None):
            found = result.detections
            if found.masks is None:
                raise RuntimeError("the demo model gave no masks")
            for part in (found.boxes_xyxy, found.scores, found.class_ids):
                body.update(part.tobytes())
            body.update(found.masks.regions_xyxy.tobytes())
            body.update(np.packbits(found.masks.dense(), bitorder="little").tobytes())
        return body.hexdigest()

    default = Optimizations(depth=depth)
    engine.configure(default)
    wanted = digest()
    same = {}
    for name in toggle_names():
        toggle = toggle_of(name)
        if toggle.choices or toggle.exactness != "X0":
            continue
        engine.configure(replace(default, **{name: False}))
        same[name] = digest() == wanted
    engine.configure(default)
    note("bit-exact toggles equal", {"frames": len(frames), "all": all(same.values()), **same})


def main() -> None:
    """Run everything; the JSON is written after each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    network = TorchNetwork(demo_spec(), EngineConfig(), lambda step: None)
    engine = CudaEngine(
        network,
        demo_spec(),
        EngineConfig(),
        Optimizations(depth=3),
        backend_reason="measured",
        start_thread=start_thread,
    )
    report: dict[str, object] = {"device": engine.info.device, "torch": torch.__version__}

    def note(name: str, value: object) -> None:
        report[name] = value
        print(name, json.dumps(value), flush=True)
        output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    small = clip()
    some = small[::8]
    large = enlarged(some)
    compare(engine, some, note, "312x176")
    compare(engine, large[:64], note, "1920x1080")
    time_kernel(engine, large[20], note)
    cost(engine, large, note, "1920x1080")
    time_kernel(engine, some[20], note)
    cost(engine, small, note, "312x176")
    toggles(engine, small[:120], note, 3)
    engine.close()


if __name__ == "__main__":
    main()
