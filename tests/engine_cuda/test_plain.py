"""The plain ops against the kernels' references, on the CPU."""

import pytest
import torch

from rfviewer.engine.cuda.plain import PlainPreprocess, select
from rfviewer_kernels import reference
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
    plain.mode_a(image, layout, out)
    tables = linear_table(height, 24), linear_table(width, 32)
    wanted = reference.preprocess_a(image, *tables, affine(), layout=layout)
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-4)
    pair = antialias_table(height, 24), antialias_table(width, 32)
    plain.mode_b(image, layout, pair, out)
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
