"""Modes A and B against the formula, Pillow, and what rfdetr itself computed."""

import numpy as np
import pytest
from PIL import Image

from rfviewer.engine.normalize import normalize
from rfviewer.engine.preprocess_a import PreprocessA, plans_a
from rfviewer.engine.preprocess_b import PlanB, PreprocessB, bands, plans_b, resize_levels
from rfviewer.engine.tables import TableCache, TriangleTable, linear_table
from tests.engine import golden, oracles

A_TOLERANCE = 2e-6
"""Normalised units; the contract of mode A, a few roundings of a value below 3."""

FRAME_SIZES_WH = [
    (312, 176), (1280, 720), (1920, 1080), (640, 360), (97, 61), (61, 97), (1, 1), (1, 7), (5, 1),
    (2, 2), (3, 3), (8, 8), (33, 1000), (1001, 35), (311, 313), (312, 312), (313, 311), (624, 624),
    (623, 625), (77, 444), (853, 480), (500, 333), (2049, 17), (4096, 24),
]  # fmt: skip
NET_SIZES_WH = [(312, 312), (37, 53)]


def noise(width, height):
    return golden.recipes.noise_image(width * 7919 + height, height, width)


def run(cls, plans, image, net_wh, *, fused, cached=True):
    out = np.full((3, net_wh[1], net_wh[0]), np.nan, np.float32)
    sizes = ((image.shape[1], image.shape[0]), net_wh)
    cls(sizes, plans(enabled=cached), fused=fused).run(image, out)
    return out


def run_a(image, net_wh=(312, 312), **kwargs):
    return run(PreprocessA, plans_a, image, net_wh, **kwargs)


def run_b(image, net_wh=(312, 312), **kwargs):
    return run(PreprocessB, plans_b, image, net_wh, **kwargs)


@pytest.mark.parametrize(("n_in", "n_out"), [(176, 312), (1080, 312), (78, 1920), (1, 9), (9, 1)])
def test_linear_table_has_one_rounding(n_in, n_out):
    table = linear_table(n_in, n_out)
    wanted = oracles.taps(n_in, n_out)
    assert list(zip(table.first, table.second, table.weight1, strict=True)) == wanted


@pytest.mark.parametrize("size_wh", FRAME_SIZES_WH)
@pytest.mark.parametrize("fused", [True, False])
def test_mode_a_follows_the_formula(size_wh, fused):
    image = noise(*size_wh)
    for net_wh in NET_SIZES_WH:
        wanted = oracles.preprocess_a(image, *net_wh)
        np.testing.assert_allclose(
            run_a(image, net_wh, fused=fused), wanted, rtol=0, atol=A_TOLERANCE
        )


@pytest.mark.parametrize("name", ["demo", "small", "large"])
@pytest.mark.parametrize("fused", [True, False])
def test_mode_a_equals_rfdetr(name, fused):
    arrays = golden.load("preprocess")
    got = run_a(golden.images_bgr()[name], fused=fused)[:, arrays[f"{name}_a_rows"]]
    np.testing.assert_allclose(got, arrays[f"{name}_a"], rtol=0, atol=A_TOLERANCE)


@pytest.mark.filterwarnings("ignore")  # what rfdetr and torch warn of is theirs
@pytest.mark.parametrize("size_wh", [(312, 176), (1280, 720), (1920, 1080), (97, 61)])
@pytest.mark.parametrize("fused", [True, False])
def test_mode_a_equals_the_installed_rfdetr(size_wh, fused):
    pytest.importorskip("torchvision")
    reference = pytest.importorskip("rfdetr.export._runtime.preprocess")
    image = noise(*size_wh)
    rgb = Image.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
    wanted = reference.preprocess_to_nchw(rgb, 312, 312)[0]
    np.testing.assert_allclose(run_a(image, fused=fused), wanted, rtol=0, atol=A_TOLERANCE)


def pillow_resize(image, net_wh):
    """Resize horizontally first; in one call Pillow 13 turns tall frames' order round."""
    wide = Image.fromarray(image).resize((net_wh[0], image.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(wide.resize(net_wh, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("size_wh", [(312, 176), (1280, 720), (1920, 1080), (640, 480), (97, 61)])
def test_landscape_frames_equal_one_call_of_any_pillow(size_wh):
    image = noise(*size_wh)
    one_call = np.asarray(Image.fromarray(image).resize((312, 312), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(
        resize_levels(image, PlanB.build((size_wh, (312, 312)))), one_call
    )


@pytest.mark.parametrize("size_wh", FRAME_SIZES_WH)
def test_mode_b_is_bit_exact_with_pillow(size_wh):
    image = noise(*size_wh)
    for net_wh in NET_SIZES_WH:
        resized = pillow_resize(image, net_wh)
        plan = PlanB.build((size_wh, net_wh))
        np.testing.assert_array_equal(resize_levels(image, plan), resized)
        levels = resized[:, :, ::-1].transpose(2, 0, 1)  # BGR -> RGB, CHW
        wanted = normalize(levels.astype(np.float32) / np.float32(255))
        for fused in (True, False):
            np.testing.assert_array_equal(run_b(image, net_wh, fused=fused), wanted)


@pytest.mark.parametrize("level", [0, 255])
def test_mode_b_stays_within_bytes(level):
    image = np.full((1080, 1920, 3), level, np.uint8)
    wanted = normalize(np.full((3, 312, 312), level / 255, np.float32))
    for fused in (True, False):
        np.testing.assert_array_equal(run_b(image, fused=fused), wanted)


@pytest.mark.parametrize("name", ["demo", "small", "large"])
def test_mode_b_equals_the_stored_levels(name):
    arrays = golden.load("preprocess")
    image = golden.images_bgr()[name]
    plan = PlanB.build(((image.shape[1], image.shape[0]), (312, 312)))
    levels = resize_levels(image, plan)[:, :, ::-1][arrays[f"{name}_b_rows"]]
    np.testing.assert_array_equal(levels, arrays[f"{name}_b"])


def test_mode_b_refuses_weights_that_fp32_sums_cannot_hold():
    table = TriangleTable(np.zeros(1, np.intp), np.ones((1, 519), np.int32))
    with pytest.raises(ValueError, match="519 taps"):
        bands(table, 519)


@pytest.mark.parametrize("run_mode", [run_a, run_b])
@pytest.mark.parametrize("fused", [True, False])
def test_cached_tables_change_nothing(run_mode, fused):
    image = noise(97, 61)
    np.testing.assert_array_equal(
        run_mode(image, fused=fused, cached=True), run_mode(image, fused=fused, cached=False)
    )


@pytest.mark.parametrize("run_mode", [run_a, run_b])
def test_a_shared_read_only_frame_is_accepted_and_untouched(run_mode):
    image = noise(97, 61)
    before = image.copy()
    image.flags.writeable = False
    run_mode(image, fused=True)
    np.testing.assert_array_equal(image, before)


def test_a_slot_is_reused_without_memory_of_the_frame_before():
    first, second = noise(97, 61), 255 - noise(97, 61)
    for cls, plans in ((PreprocessA, plans_a), (PreprocessB, plans_b)):
        stage = cls(((97, 61), (312, 312)), plans(enabled=True), fused=True)
        out = np.empty((3, 312, 312), np.float32)
        stage.run(first, out)
        stage.run(second, out)
        np.testing.assert_array_equal(out, run(cls, plans, second, (312, 312), fused=True))


def test_table_cache_builds_once_per_size_and_forgets_the_oldest():
    built = []
    cache = TableCache(lambda key: built.append(key) or len(built), enabled=True, capacity=2)
    assert [cache.get(k) for k in "abaca"] == [1, 2, 1, 3, 1]
    assert built == ["a", "b", "c"]
    cache.get("b")
    assert built == ["a", "b", "c", "b"]


def test_disabled_table_cache_builds_every_time():
    built = []
    cache = TableCache(lambda key: built.append(key), enabled=False)
    cache.get("a")
    cache.get("a")
    assert built == ["a", "a"]
