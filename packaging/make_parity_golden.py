"""Make tests/golden/parity_demo.npz: detections of the demo model, for tests of the gate.

    PYTHONPATH=. python packaging/make_parity_golden.py

The reference path on ONNX Runtime, every 4th frame. tests/golden/README.md names every array.
"""

from pathlib import Path

import numpy as np

from rfviewer.config import EngineConfig
from rfviewer.engine.factory import make_engine
from rfviewer.models.registry import resolve_model
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.threads import start_thread
from rfviewer.sources.factory import open_source

TARGET = Path(__file__).resolve().parent.parent / "tests" / "golden" / "parity_demo.npz"
FRAMES, STEP, THRESHOLD = 20, 4, 0.37


def main() -> None:
    """Write the file."""
    engine = make_engine(
        EngineConfig(),
        Optimizations.baseline(),
        lambda *_: None,
        resolve_model=resolve_model,
        start_thread=start_thread,
    )
    source = open_source("demo")
    found, indexes = [], []
    while len(found) < FRAMES and (frame := source.read()) is not None:
        if frame.frame_index % STEP == 0:
            engine.submit(frame, THRESHOLD)
            found.append(engine.collect().detections)
            indexes.append(frame.frame_index)
    source.close()
    engine.close()
    regions, stream = [], []
    for detections in found:
        assert detections.masks is not None
        regions.append(detections.masks.regions_xyxy)
        for number in range(len(detections)):
            mask, left, _ = detections.masks.crop(number)
            if mask.size:
                padded = np.pad(mask, ((0, 0), (left % 8, 0)))
                stream.append(np.packbits(padded, axis=1, bitorder="little").ravel())
    np.savez_compressed(
        TARGET,
        size_wh=np.array([source.info.width, source.info.height], np.int32),
        threshold=np.float32(THRESHOLD),
        frame_indexes=np.array(indexes, np.int32),
        counts=np.array([len(item) for item in found], np.int32),
        boxes_xyxy=np.concatenate([item.boxes_xyxy for item in found]),
        scores=np.concatenate([item.scores for item in found]),
        class_ids=np.concatenate([item.class_ids for item in found]),
        regions_xyxy=np.concatenate(regions),
        mask_bytes=np.concatenate(stream),
    )
    print(
        f"{sum(map(len, found))} detections on {len(found)} frames, {TARGET.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
