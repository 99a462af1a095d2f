"""The plain ops against the kernels' references, on the CPU."""

import pytest
import torch

from rfviewer.engine.cuda.plain import PlainPreprocess, select
from rfviewer.engine.cuda.records import (
    CHUNK_BYTES,
    HEADER_WORDS,
    RECORD_WORDS,
    REGION_WORDS,
    ResultTable,
    read_records,
    region_layout,
)
from rfviewer.errors import EngineError
from rfviewer_kernels import mask_stream, reference
from rfviewer_kernels import records as table
from rfviewer_kernels.mask_stream import stream_layout
from rfviewer_kernels.normalize import affine
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.records import Results, decode
from rfviewer_kernels.tables import antialias_table, linear_table

pytestmark = pytest.mark.needs_torch
CPU = torch.device("cpu")


@pytest.mark.parametrize("layout", [Layout.BGR, Layout.NV12])
@pytest.mark.parametrize("size_wh", [(20, 14), (70, 52)])
def test_preprocess_is_the_reference(layout, size_wh):
    numbers = torch.Generator().manual_seed(3)
    width, height = size_wh
    shape = (height * 3 // 2, width) if layout is Layout.NV12 else (height, width, 3)
    image = torch.randint(0, 256, shape, dtype=torch.uint8, generator=numbers)
    plain, out = PlainPreprocess(CPU), torch.empty(1, 3, 24, 32)
    plain.mode_a(reference.to_rgb(image, layout), out)
    tables = linear_table(height, 24), linear_table(width, 32)
    wanted = reference.preprocess_a(image, *tables, affine(), layout=layout)
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-4)
    pair = antialias_table(height, 24), antialias_table(width, 32)
    plain.mode_b(reference.to_rgb(image, layout), pair, out)
    wanted = reference.preprocess_b(image, *pair, affine(), layout=layout)
    torch.testing.assert_close(out, wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("threshold", [-1.0, 0.2, 0.5, 0.999])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_select_is_the_reference(threshold, dtype):
    numbers = torch.Generator().manual_seed(5)
    logits = torch.randn(1, 30, 7, generator=numbers).to(dtype)
    boxes = torch.rand(1, 30, 4, generator=numbers).to(dtype) * 2 - 0.5
    results = Results.allocate(25, CPU)
    results.flat.fill_(-7)
    plane_queries = torch.full((25,), -7, dtype=torch.int32)
    select(logits, boxes, torch.tensor([threshold]), results, plane_queries, (640, 360))
    wanted = reference.select(logits, boxes, threshold, 25, (640, 360))
    found, count = decode(results), int(results.counts[0])
    for name in ("scores", "class_ids", "queries", "boxes_xyxy", "planes"):
        assert torch.equal(getattr(found, name), getattr(wanted, name)), name
    assert not results.records[count:].any()
    assert int(results.counts[1]) == int((logits[0].float().sigmoid() > threshold).sum())
    planes = int(results.counts[2])
    assert planes == len(wanted.queries.unique())
    assert torch.equal(plane_queries[wanted.planes.long()], wanted.queries)


def test_the_layout_of_the_stream_is_the_kernels():
    numbers = torch.Generator().manual_seed(9)
    corners = torch.randint(0, 200, (40, 2, 2), generator=numbers).sort(1).values
    regions = corners.reshape(40, 4).int().numpy()
    regions[5] = regions[39] = (320, 180, 0, 0)
    for rows in (regions, regions[:1], regions[:0]):
        wanted, found = stream_layout(rows), region_layout(rows)
        assert found.regions_xyxy.tolist() == wanted.regions_xyxy.tolist()
        assert found.starts.tolist() == wanted.starts.tolist()
        last = int(wanted.shapes[-1].prod()) if len(rows) else 0
        start = int(wanted.starts[-1]) if len(rows) else 0
        assert found.size == start + -(-last // CHUNK_BYTES) * CHUNK_BYTES
    assert (HEADER_WORDS, RECORD_WORDS, REGION_WORDS, CHUNK_BYTES) == (
        table.HEADER_WORDS,
        table.RECORD_WORDS,
        table.REGION_WORDS,
        mask_stream.CHUNK_BYTES,
    )


def test_the_host_reads_the_header_that_the_kernels_write():
    results = Results.allocate(3, CPU)
    results.counts.copy_(torch.tensor([2, 9, 2, 0]))
    results.flat[table.STREAMED_WORD] = 1024
    results.records[:2, 0] = torch.tensor([0.9, 0.8]).view(torch.int32)
    found = read_records(ResultTable(results.flat.numpy(), 3), 0.5)
    assert (len(found.scores), len(found.regions), found.streamed) == (2, 2, 1024)
    results.counts[3] = table.INVALID_LOGITS
    with pytest.raises(EngineError, match="pred_logits"):
        read_records(ResultTable(results.flat.numpy(), 3), 0.5)
