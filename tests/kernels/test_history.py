"""The postprocess chain keeps nothing of an earlier frame: equal frames give equal bytes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels.mask_stream import (  # noqa: E402
    CHUNK_BYTES,
    mask_stream,
    stream_bytes,
    stream_layout,
)
from rfviewer_kernels.masks import MaskTables, masks  # noqa: E402
from rfviewer_kernels.records import Results  # noqa: E402
from rfviewer_kernels.select import select  # noqa: E402
from rfviewer_kernels.select_workspace import SelectWorkspace  # noqa: E402

QUERIES, CLASSES, GRID, MAX_RECORDS, FRAME_WH = 12, 4, 10, 8, (43, 29)


def test_results_and_stream_do_not_depend_on_earlier_frames(device, rng):
    results = Results.allocate(MAX_RECORDS, device)
    workspace = SelectWorkspace.allocate(QUERIES, CLASSES, MAX_RECORDS, device)
    coarse = torch.zeros(MAX_RECORDS, 4, dtype=torch.int32, device=device)
    planes = torch.zeros(MAX_RECORDS, FRAME_WH[1], 6, dtype=torch.uint8, device=device)
    words = stream_bytes(MAX_RECORDS, FRAME_WH[1], FRAME_WH[0]) // 4
    stream = torch.zeros(words, dtype=torch.int32, device=device)
    tables = MaskTables.make((GRID, GRID), FRAME_WH, device)
    threshold = torch.tensor([0.5], device=device)

    def frame(bias):
        logits = torch.randn(1, QUERIES, CLASSES, device=device, generator=rng) + bias
        logits[0, 3, 1] = 2.0  # whatever the device's random numbers are, something passes
        boxes = torch.rand(1, QUERIES, 4, device=device, generator=rng)
        return logits, boxes, torch.randn(1, QUERIES, GRID, GRID, device=device, generator=rng)

    def run(logits, boxes, mask_logits):
        select(logits, boxes, threshold, results, workspace, frame_wh=FRAME_WH)
        queries = workspace.plane_queries
        masks(mask_logits, results, queries, coarse, planes, tables, packed=True, clear=False)
        mask_stream(planes, results, stream)
        layout = stream_layout(results.regions[: int(results.counts[2])].cpu().numpy())
        chunks = -(-layout.shapes.prod(axis=1) // CHUNK_BYTES)
        used = int(chunks.sum()) * CHUNK_BYTES
        return results.flat.cpu().numpy(), stream.cpu().numpy().view(np.uint8)[:used].copy()

    sparse, dense = frame(-2.0), frame(1.0)
    first_flat, first_stream = (part.copy() for part in run(*sparse))
    assert 0 < int(results.counts[2]) < MAX_RECORDS
    run(*dense)
    assert int(results.counts[1]) > MAX_RECORDS
    flat, again = run(*sparse)
    assert np.array_equal(flat, first_flat)
    assert np.array_equal(again, first_stream)
