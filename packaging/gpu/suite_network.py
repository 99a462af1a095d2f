"""The suite's timings outside the engine: kernels, the network in batches, rfdetr's predict."""

import json
import time

import cv2
import torch
from cases import FRAMES_WH, cases
from network import FORMS, demo_module, example_input
from suite_parts import THRESHOLD, Bench
from timing import ceilings, eager_timing, replay_timing

from rfviewer.models.demo import demo_spec

BATCHES = (1, 2, 4, 8)
_PREDICTIONS, _WARM = 60, 10


def time_kernels() -> list[dict[str, object]]:
    """Return a row per kernel and size."""
    limits = ceilings()
    rows: list[dict[str, object]] = []
    device = torch.device("cuda")
    for frame_wh in FRAMES_WH:
        for case in cases(device, frame_wh):
            case.launch()
            timing = replay_timing(case.launch)
            plain = eager_timing(case.reference)
            limit = limits[f"{case.bus}_gb_s" if case.bus else "memory_gb_s"]
            floor_us = case.moved_bytes / limit / 1e3
            row = {
                "kernel": case.name,
                "source": f"{frame_wh[0]}x{frame_wh[1]}",
                **timing.to_json(),
                "bytes": case.moved_bytes,
                "floor_us": round(floor_us, 3),
                "roofline_percent": round(100 * floor_us / timing.median_us, 1),
                "reference_us": round(plain.median_us, 1),
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def batches() -> dict[str, dict[str, float]]:
    """Return the time of both forms of the bare network with several frames a pass."""
    device, found = torch.device("cuda"), {}
    for name, form in FORMS.items():
        module = demo_module(device, torch.float16)
        for frames in BATCHES:
            example = example_input(device, torch.float16, frames)
            network = form(module, example)
            timing = replay_timing(lambda: network(example) and None, inner=1, samples=100)  # noqa: B023 - called at once
            found[f"{name} {frames}"] = {
                **timing.to_json(),
                "us_per_frame": round(timing.median_us / frames, 1),
            }
    return found


def predict_of_rfdetr(bench: Bench) -> dict[str, object]:
    """Return the rate of rfdetr's own `predict` on decoded frames, as it comes and optimised."""
    import rfdetr

    wrapper = rfdetr.RFDETRSegNano(pretrain_weights=None, group_detr=4, device="cuda")
    store = demo_spec().weights
    if store is None:
        raise RuntimeError("the demo model has no weights")
    weights = {name: torch.from_numpy(a) for name, a in store.state_dict().items()}
    wrapper.model.model.load_state_dict(weights, strict=True)
    wrapper.model.model.to("cuda").eval()
    images = [cv2.cvtColor(item.image, cv2.COLOR_BGR2RGB) for item in bench.clip[:_PREDICTIONS]]
    found: dict[str, object] = {"version": "1.11.2"}

    def rate() -> dict[str, float]:
        for image in images[:_WARM]:
            wrapper.predict(image, threshold=THRESHOLD)
        times = []
        for image in images:
            start = time.perf_counter()
            result = wrapper.predict(image, threshold=THRESHOLD)
            times.append(time.perf_counter() - start)
        times.sort()
        return {
            "fps": round(len(times) / sum(times), 2),
            "ms_p50": round(times[len(times) // 2] * 1e3, 2),
            "detections_last": len(result),
        }

    found["predict"] = rate()
    print(found, flush=True)
    try:
        wrapper.optimize_for_inference(compile=True, dtype=torch.float16)
        found["predict after optimize_for_inference(fp16)"] = rate()
    except Exception as error:  # noqa: BLE001 - an extra; the plain figure counts
        found["optimize_for_inference"] = f"failed: {error}"[:300]
    return found
