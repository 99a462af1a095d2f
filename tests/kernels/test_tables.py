"""The resampling tables against torch's and Pillow's own arithmetic."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
PIL_Image = pytest.importorskip("PIL.Image")

from rfviewer_kernels import reference  # noqa: E402
from rfviewer_kernels.tables import antialias_table, linear_table  # noqa: E402

LENGTHS = [(1, 5), (2, 3), (7, 7), (78, 1080), (78, 312), (312, 78), (1080, 312), (1921, 311)]


@pytest.mark.parametrize(("n_in", "n_out"), LENGTHS)
def test_linear_table_is_torchs_interpolation_of_one_row(n_in, n_out):
    table = linear_table(n_in, n_out)
    row = torch.rand(n_in, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.interpolate(
        row[None, None, None], size=(1, n_out), mode="bilinear", antialias=False
    )[0, 0, 0]
    got = (1 - table.weight) * row[table.first.long()] + table.weight * row[table.second.long()]
    assert torch.max(torch.abs(got - expected)) <= 2e-6


# Columns first, as every Pillow does for these shapes; Pillow 13 takes the rows first for some
# others (portrait frames), which moves single values by one level.
@pytest.mark.parametrize(
    ("in_wh", "out_wh"), [((31, 17), (12, 12)), ((64, 48), (97, 60)), ((40, 9), (12, 30))]
)
def test_antialias_reference_is_pillow_bit_for_bit(in_wh, out_wh):
    image = np.random.default_rng(3).integers(0, 256, (in_wh[1], in_wh[0], 3), np.uint8)
    resized = PIL_Image.fromarray(image).resize(out_wh, PIL_Image.Resampling.BILINEAR)
    got = reference.resize_b(
        torch.from_numpy(image).permute(2, 0, 1),
        antialias_table(in_wh[1], out_wh[1]),
        antialias_table(in_wh[0], out_wh[0]),
    )
    assert np.array_equal(got.permute(1, 2, 0).numpy(), np.asarray(resized))


@pytest.mark.parametrize(("n_in", "n_out"), LENGTHS)
def test_fixed_point_weights_sum_to_one(n_in, n_out):
    table = antialias_table(n_in, n_out)
    sums = table.weights.long().sum(1)
    assert int((sums - 2**22).abs().max()) <= table.taps
