"""Both preprocess kernels against their references, and the references against their sources."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels import reference  # noqa: E402
from rfviewer_kernels.normalize import IMAGENET_MEAN, IMAGENET_STD, affine  # noqa: E402
from rfviewer_kernels.pixels import BT601, BT601_FULL, BT709, BT709_FULL, Layout  # noqa: E402
from rfviewer_kernels.preprocess_a import preprocess_a  # noqa: E402
from rfviewer_kernels.preprocess_b import preprocess_b  # noqa: E402
from rfviewer_kernels.tables import antialias_table, linear_table  # noqa: E402

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
cuda = pytest.mark.needs_cuda
SIZES = [  # source (w, h), network (w, h)
    ((1, 1), (4, 4)),
    ((13, 7), (16, 12)),
    ((62, 34), (24, 20)),
    pytest.param((312, 176), (312, 312), marks=cuda),
    pytest.param((1280, 720), (312, 312), marks=cuda),
    pytest.param((1920, 1080), (312, 312), marks=cuda),
    pytest.param((3840, 2160), (432, 432), marks=cuda),
]


def _frame(wh, layout, device, rng):
    width, height = wh
    shape = (height * 3 // 2, width) if layout is Layout.NV12 else (height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, device=device, generator=rng)


def _even(wh, layout):
    return tuple(n + n % 2 for n in wh) if layout is Layout.NV12 else wh


def _tables(make, in_wh, out_wh, device):
    return make(in_wh[1], out_wh[1]).to(device), make(in_wh[0], out_wh[0]).to(device)


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize(("in_wh", "out_wh"), SIZES)
def test_mode_a_equals_its_reference_bit_for_bit(in_wh, out_wh, layout, device, rng):
    in_wh = _even(in_wh, layout)
    frame = _frame(in_wh, layout, device, rng)
    tables = _tables(linear_table, in_wh, out_wh, device)
    out = torch.full((1, 3, out_wh[1], out_wh[0]), torch.nan, device=device)
    preprocess_a(frame, out, *tables, affine(), layout=layout, block=512)
    expected = reference.preprocess_a(frame, *tables, affine(), layout=layout)
    assert torch.equal(out, expected)


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize(("in_wh", "out_wh"), SIZES)
def test_mode_b_equals_its_reference_bit_for_bit(in_wh, out_wh, layout, device, rng):
    in_wh = _even(in_wh, layout)
    frame = _frame(in_wh, layout, device, rng)
    tables = _tables(antialias_table, in_wh, out_wh, device)
    scratch = torch.empty(3, in_wh[1], out_wh[0], dtype=torch.uint8, device=device)
    out = torch.full((1, 3, out_wh[1], out_wh[0]), torch.nan, device=device)
    preprocess_b(frame, scratch, out, *tables, affine(), layout=layout, block=512)
    expected = reference.preprocess_b(frame, *tables, affine(), layout=layout)
    assert torch.equal(out, expected)


@pytest.mark.parametrize("mode", ["a", "b"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_channels_last_and_half_outputs_hold_the_same_values(mode, dtype, device, rng):
    in_wh, out_wh = (30, 22), (20, 16)
    frame = _frame(in_wh, Layout.BGR, device, rng)
    out = torch.empty(1, 3, out_wh[1], out_wh[0], dtype=dtype, device=device)
    out = out.to(memory_format=torch.channels_last).fill_(torch.nan)
    if mode == "a":
        tables = _tables(linear_table, in_wh, out_wh, device)
        preprocess_a(frame, out, *tables, affine(), layout=Layout.BGR, block=512)
        expected = reference.preprocess_a(frame, *tables, affine(), layout=Layout.BGR, dtype=dtype)
    else:
        tables = _tables(antialias_table, in_wh, out_wh, device)
        scratch = torch.empty(3, in_wh[1], out_wh[0], dtype=torch.uint8, device=device)
        preprocess_b(frame, scratch, out, *tables, affine(), layout=Layout.BGR, block=512)
        expected = reference.preprocess_b(frame, *tables, affine(), layout=Layout.BGR, dtype=dtype)
    assert torch.equal(out, expected)


@pytest.mark.parametrize(("in_wh", "out_wh"), [((62, 34), (24, 20)), ((312, 176), (312, 312))])
def test_mode_a_reference_is_what_rfdetr_predict_computes(in_wh, out_wh, device, rng):
    frame = _frame(in_wh, Layout.RGB, device, rng)
    tables = _tables(linear_table, in_wh, out_wh, device)
    got = reference.preprocess_a(frame, *tables, affine(), layout=Layout.RGB)
    values = frame.permute(2, 0, 1)[None].float() / 255
    resized = torch.nn.functional.interpolate(
        values, size=(out_wh[1], out_wh[0]), mode="bilinear", antialias=False
    )
    mean, std = (
        torch.tensor(v, device=device)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD)
    )
    # 2e-6 for the affine form on the same arithmetic; CUDA's own coordinates may round twice.
    limit = 4e-6 if device.type == "cpu" else 1e-4
    assert torch.max(torch.abs(got - (resized - mean) / std)) <= limit


@pytest.mark.parametrize(
    ("name", "matrix"),
    [
        ("bt601", BT601),
        ("bt709", BT709),
        ("bt601_full", BT601_FULL),
        ("bt709_full", BT709_FULL),
    ],
)
def test_nv12_becomes_what_swscale_makes_of_it(name, matrix):
    with np.load(GOLDEN / "nv12.npz") as arrays:
        frame, wanted = torch.from_numpy(arrays["nv12"]), torch.from_numpy(arrays[name])
    got = reference.to_rgb(frame, Layout.NV12, matrix)
    assert torch.equal(got, wanted.permute(2, 0, 1).flip(0))


@pytest.mark.parametrize("matrix", [BT601, BT709])
def test_limited_range_black_and_white_are_0_and_255(matrix):
    for luma, level in ((16, 0), (235, 255)):
        frame = torch.full((3, 2), luma, dtype=torch.uint8)
        frame[2] = 128
        assert (reference.to_rgb(frame, Layout.NV12, matrix) == level).all()


def test_a_wrong_frame_is_refused(device):
    tables = _tables(linear_table, (8, 8), (4, 4), device)
    out = torch.empty(1, 3, 4, 4, device=device)
    with pytest.raises(ValueError, match="frame must have shape"):
        preprocess_a(
            torch.zeros(8, 9, 3, dtype=torch.uint8, device=device),
            out,
            *tables,
            affine(),
            layout=Layout.BGR,
        )
    with pytest.raises(ValueError, match="contiguous"):
        preprocess_a(
            torch.zeros(8, 3, 8, dtype=torch.uint8, device=device).transpose(1, 2),
            out,
            *tables,
            affine(),
            layout=Layout.BGR,
        )
