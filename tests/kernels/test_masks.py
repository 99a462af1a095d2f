"""Mask planes against resize-then-threshold, packed and dense, and their tight regions."""

import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels import reference  # noqa: E402
from rfviewer_kernels.masks import LINEAR, MaskLaunch, MaskTables, masks  # noqa: E402
from rfviewer_kernels.records import Results  # noqa: E402
from rfviewer_kernels.tables import linear_table  # noqa: E402

cuda = pytest.mark.needs_cuda
SIZES = [  # logits (w, h), frame (w, h)
    ((3, 2), (1, 1)),
    ((9, 7), (21, 19)),
    ((24, 20), (7, 5)),
    ((12, 12), (40, 33)),
    pytest.param((78, 78), (312, 176), marks=cuda),
    pytest.param((78, 78), (1280, 720), marks=cuda),
    pytest.param((78, 78), (1921, 1081), marks=cuda),
    pytest.param((108, 108), (3840, 2160), marks=cuda),
]


def _blobs(count, wh, device, rng, dtype=torch.float32):
    """Logits that are positive in one ellipse each, with noise; the last one is never positive."""
    width, height = wh
    y = torch.linspace(0, 1, height, device=device)[:, None]
    x = torch.linspace(0, 1, width, device=device)[None, :]
    centres = torch.rand(count, 2, 1, 1, device=device, generator=rng)
    radii = torch.rand(count, 2, 1, 1, device=device, generator=rng) * 0.4 + 0.02
    inside = 1 - ((x - centres[:, 0]) / radii[:, 0]) ** 2 - ((y - centres[:, 1]) / radii[:, 1]) ** 2
    noise = torch.randn(count, height, width, device=device, generator=rng)
    logits = inside.clamp(min=-8) * 4 + noise * 0.5
    logits[-1] = -logits[-1].abs()
    return logits[None].to(dtype)


def _run(logits, queries, frame_wh, *, packed, max_records=6, **options):
    device = logits.device
    tables = MaskTables.make((logits.shape[3], logits.shape[2]), frame_wh, device)
    results = Results.allocate(max_records, device)
    results.counts[2] = len(queries)
    results.regions[:] = -5
    plane_queries = torch.zeros(max_records, dtype=torch.int32, device=device)
    plane_queries[: len(queries)] = torch.tensor(queries, device=device)
    coarse = torch.full((max_records, 4), -9, dtype=torch.int32, device=device)
    columns = -(-frame_wh[0] // 8) if packed else frame_wh[0]
    out = torch.full((max_records, frame_wh[1], columns), 0xA5, dtype=torch.uint8, device=device)
    masks(logits, results, plane_queries, coarse, out, tables, packed=packed, **options)
    expected = reference.masks(logits[0, queries], tables.y, tables.x)
    return out, results, expected


@pytest.mark.parametrize("roi", [True, False])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize(("grid_wh", "frame_wh"), SIZES)
def test_equals_resize_then_threshold(grid_wh, frame_wh, dtype, packed, roi, device, rng):
    logits = _blobs(5, grid_wh, device, rng, dtype)
    queries = [3, 0, 4]
    out, results, expected = _run(logits, queries, frame_wh, packed=packed, roi=roi)
    wanted = reference.pack(expected) if packed else expected.to(torch.uint8)
    assert torch.equal(out[:3], wanted)
    assert (out[3:] == 0xA5).all(), "planes beyond the count are not touched"
    tight = results.regions[:3].clone()
    tight[tight[:, 2] <= tight[:, 0]] = 0
    assert torch.equal(tight, reference.regions(expected))
    assert not results.regions[3:].any(), "no region of an earlier frame stays"


@pytest.mark.parametrize("tile", [(1, 1), (4, 2), (32, 8)])
def test_any_tile_gives_the_same_bits(tile, device, rng):
    logits = _blobs(3, (9, 7), device, rng)
    out, _, expected = _run(logits, [1], (19, 6), packed=True, launch=MaskLaunch(tile, tile, 2))
    assert torch.equal(out[:1], reference.pack(expected))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("frame_wh", [(19, 6), pytest.param((1920, 1080), marks=cuda)])
def test_the_plain_launch_gives_the_same_bits(frame_wh, packed, device, rng):
    logits = _blobs(3, (9, 7), device, rng)
    out, _, expected = _run(logits, [1, 0], frame_wh, packed=packed, launch=LINEAR)
    wanted = reference.pack(expected) if packed else expected.to(torch.uint8)
    assert torch.equal(out[:2], wanted)


@pytest.mark.parametrize("frame_wh", [(21, 19), pytest.param((1280, 720), marks=cuda)])
def test_without_clearing_the_region_is_whole(frame_wh, device, rng):
    logits = _blobs(5, (12, 12), device, rng)
    out, results, expected = _run(logits, [0, 1, 2], frame_wh, packed=False, clear=False)
    for plane, wanted, region in zip(out, expected, results.regions, strict=False):
        x0, y0, x1, y1 = region.tolist()
        assert torch.equal(plane[y0:y1, x0:x1], wanted[y0:y1, x0:x1].to(torch.uint8))
        assert int(wanted.sum()) == int(wanted[y0:y1, x0:x1].sum()) > 0


@pytest.mark.parametrize("roi", [True, False])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_invalid_logit_of_a_made_mask_is_flagged(value, roi, device, rng):
    logits = _blobs(5, (9, 7), device, rng)
    logits[0, 2, 6, 8] = value
    for queries, flag in (([3, 0], 0), ([3, 2], 4)):
        _, results, _ = _run(logits, queries, (21, 19), packed=True, roi=roi)
        assert int(results.counts[3]) == flag


def test_no_survivor_writes_nothing(device, rng):
    out, _, _ = _run(_blobs(2, (9, 7), device, rng), [], (20, 10), packed=True)
    assert (out == 0xA5).all()


def test_a_negative_zero_and_a_zero_logit_are_not_set(device):
    logits = torch.tensor([[[[0.0, -0.0], [0.0, -1.0]]]], device=device)
    out, results, _ = _run(logits, [0], (8, 8), packed=True)
    assert not out[0].any()
    assert int(results.regions[0, 2]) == 0


@pytest.mark.parametrize(("grid_wh", "frame_wh"), SIZES)
def test_reference_is_torchs_interpolate(grid_wh, frame_wh, device, rng):
    logits = _blobs(4, grid_wh, device, rng)
    table_y = linear_table(grid_wh[1], frame_wh[1]).to(device)
    table_x = linear_table(grid_wh[0], frame_wh[0]).to(device)
    got = reference.masks(logits[0], table_y, table_x)
    expected = (
        torch.nn.functional.interpolate(
            logits, size=(frame_wh[1], frame_wh[0]), mode="bilinear", antialias=False
        )[0]
        > 0
    )
    # Rounding may flip a pixel whose value is 0 to the last bit (REFERENCE: 1 in 41 Mpx).
    assert int((got != expected).sum()) <= 4
