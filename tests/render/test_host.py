import cv2
import numpy as np
import pytest

from rfviewer.config import ColorBy, View
from rfviewer.detections import Detections, InstanceMasks
from rfviewer.drawing import DrawSizes, outline_pen
from rfviewer.errors import RfviewerError
from rfviewer.frame import Frame, PixelFormat
from rfviewer.palette import PALETTE, lighter
from rfviewer.render.host import HostRenderer, paint_order

NAMES = (None, "person", None, "car")
BARE = {"outlines": False, "boxes": False, "labels": False}


def make_frame(width=64, height=48, value=100, index=0):
    rng = np.random.default_rng(index)
    image = np.full((height, width, 3), value, np.uint8)
    image += rng.integers(0, 3, image.shape, np.uint8)
    return Frame(image, width, height, index, index / 25, 0)


def make_detections(masks, class_ids, *, packed=True):
    dense = np.array(masks, bool)
    n, height, width = dense.shape
    regions = np.zeros((n, 4), np.int32)
    for i, mask in enumerate(dense):
        ys, xs = np.nonzero(mask)
        if len(xs):
            regions[i] = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    data = np.packbits(dense, axis=2, bitorder="little") if packed else dense.astype(np.uint8)
    return Detections(
        regions.astype(np.float32),
        np.linspace(0.95, 0.5, n, dtype=np.float32),
        np.array(class_ids, np.int32),
        InstanceMasks(data, regions, width, height, packed),
    )


def rectangles(*xyxy, width=64, height=48):
    masks = np.zeros((len(xyxy), height, width), bool)
    for mask, (x0, y0, x1, y1) in zip(masks, xyxy, strict=True):
        mask[y0:y1, x0:x1] = True
    return masks


def random_masks(n, width, height, seed=0):
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(n):
        small = rng.normal(size=(9, 9)).astype(np.float32) - 0.7
        masks.append(cv2.resize(small, (width, height)) > 0)
    return masks


def test_the_result_is_a_new_opaque_bgra_image_and_the_frame_is_untouched():
    frame = make_frame()
    before = frame.image.copy()
    result = HostRenderer().render(
        frame, make_detections(rectangles((10, 10, 40, 40)), [3]), View(), NAMES
    )
    assert result.shape == (48, 64, 4)
    assert result.dtype == np.uint8
    assert (result[..., 3] == 255).all()
    np.testing.assert_array_equal(frame.image, before)
    assert not np.shares_memory(result, frame.image)


def test_nothing_to_draw_is_the_bare_frame():
    frame = make_frame()
    result = HostRenderer().render(frame, Detections.empty(), View(), NAMES)
    np.testing.assert_array_equal(result[..., :3], frame.image)
    hidden = View(masks=False, **BARE)
    result = HostRenderer().render(
        frame, make_detections(rectangles((10, 10, 40, 40)), [3]), hidden, NAMES
    )
    np.testing.assert_array_equal(result[..., :3], frame.image)


def test_a_fill_is_blended_exactly_where_the_mask_is():
    frame = make_frame()
    masks = rectangles((10, 12, 30, 40))
    view = View(opacity=0.5, **BARE)
    result = HostRenderer().render(frame, make_detections(masks, [3]), view, NAMES)
    color = np.array(PALETTE[3][::-1])
    inside = masks[0]
    np.testing.assert_array_equal(result[~inside][:, :3], frame.image[~inside])
    expected = (frame.image[inside].astype(int) * 128 + color * 128 + 128) >> 8
    np.testing.assert_array_equal(result[inside][:, :3], expected)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("size", [(64, 48), (313, 177), (640, 360)])
@pytest.mark.parametrize("color_by", list(ColorBy))
def test_region_and_whole_frame_blending_are_bit_equal(packed, size, color_by):
    frame = make_frame(*size)
    detections = make_detections(random_masks(9, *size), [1, 3, 1] * 3, packed=packed)
    view = View(color_by=color_by)
    region = HostRenderer().render(frame, detections, view, NAMES, roi=True)
    whole = HostRenderer().render(frame, detections, view, NAMES, roi=False)
    np.testing.assert_array_equal(region, whole)


def test_packed_and_dense_masks_look_the_same():
    frame, masks = make_frame(313, 177), random_masks(5, 313, 177)
    images = [
        HostRenderer().render(frame, make_detections(masks, [1] * 5, packed=p), View(), NAMES)
        for p in (True, False)
    ]
    np.testing.assert_array_equal(*images)


def test_small_objects_lie_on_top_whatever_their_score():
    small, big = (20, 20, 28, 28), (4, 4, 60, 44)
    view = View(opacity=1.0, **BARE)
    for order in ((small, big), (big, small)):
        ids = [1 if xyxy == small else 3 for xyxy in order]
        result = HostRenderer().render(
            make_frame(), make_detections(rectangles(*order), ids), view, NAMES
        )
        assert tuple(result[24, 24, 2::-1]) == PALETTE[1]
        assert tuple(result[8, 8, 2::-1]) == PALETTE[3]


def test_paint_order_is_stable():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 9, 9], [1, 1, 3, 3]], np.float32)
    assert paint_order(boxes).tolist() == [1, 0, 2]


def test_the_outline_is_antialiased_and_follows_holes():
    masks = rectangles((8, 8, 56, 40))
    masks[0, 18:30, 24:40] = False
    view = View(masks=False, boxes=False, labels=False)
    result = HostRenderer().render(make_frame(), make_detections(masks, [3]), view, NAMES)
    frame = HostRenderer().render(make_frame(), Detections.empty(), view, NAMES)
    changed = (result != frame).any(axis=2)
    assert changed[18, 24:40].any(), "hole has no outline"
    assert changed[8, 10:50].all()
    assert not changed[12:15, 12:20].any()
    disc = np.zeros((1, 48, 64), np.uint8)
    cv2.circle(disc[0], (32, 24), 17, 1, -1)
    result = HostRenderer().render(make_frame(), make_detections(disc, [3]), view, NAMES)
    change = np.abs(result[..., 0].astype(int) - make_frame().image[..., 0])
    assert len(np.unique(change)) > 5, "no intermediate tones"


@pytest.mark.parametrize("frame_wh", [(64, 48), (312, 700)])
def test_the_outline_is_what_its_window_says_at_every_pixel(frame_wh):
    width, height = frame_wh
    pen = outline_pen(DrawSizes.for_frame(width, height).outline_px)
    frame = make_frame(width, height)
    mask = random_masks(1, width, height)[0].astype(np.uint8)
    mask[20:22] = 0
    mask[21, ::3] = 1
    view = View(masks=False, boxes=False, labels=False)
    result = HostRenderer().render(frame, make_detections(mask[None], [3]), view, NAMES)
    padded = np.pad(mask, pen.reach)
    side = 2 * pen.reach + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side)).astype(int)
    share = pen.shares[windows.sum((2, 3)) + mask * (side * side + 1)].astype(int)[..., None]
    color = np.array(lighter(PALETTE[3], 0.35)[::-1])
    expected = (frame.image * (256 - share) + color * share + 128) >> 8
    np.testing.assert_array_equal(result[..., :3], expected)


@pytest.mark.parametrize(("height", "line_px"), [(48, 1), (1080, 3)])
def test_a_box_line_grows_with_the_frame(height, line_px):
    frame = make_frame(height * 2, height)
    box = np.array([[20, 10, 42, 31]], np.float32)
    detections = Detections(box, np.array([0.9], np.float32), np.array([3], np.int32))
    result = HostRenderer().render(frame, detections, View(labels=False), NAMES)
    changed = (result[..., :3] != frame.image).any(axis=2)
    assert changed[:, 30].sum() == 2 * line_px
    assert changed[20, : height * 2].sum() == 2 * line_px
    reach = line_px // 2
    assert changed[10 - reach : 31 + reach, 20 - reach].all()
    assert changed.sum() == changed[10 - reach : 31 + reach, 20 - reach : 42 + reach].sum()


def test_a_box_covers_exactly_the_edge_pixels_and_stays_inside_the_frame():
    frame = make_frame()
    detections = Detections(
        np.array([[10.2, 12.4, 29.6, 39.7], [0, 0, 64, 48]], np.float32),
        np.array([0.9, 0.8], np.float32),
        np.array([3, 1], np.int32),
    )
    view = View(labels=False)
    result = HostRenderer().render(frame, detections, view, NAMES)
    changed = (result[..., :3] != frame.image).any(axis=2)
    expected = np.zeros_like(changed)
    for x0, y0, x1, y1 in ((10, 12, 30, 40), (0, 0, 64, 48)):
        expected[[y0, y1 - 1], x0:x1] = True
        expected[y0:y1, [x0, x1 - 1]] = True
    np.testing.assert_array_equal(changed, expected)


def test_a_composited_image_gets_labels_only_in_place():
    frame = make_frame(320, 180)
    detections = make_detections(rectangles((100, 60, 200, 120), width=320, height=180), [3])
    given = np.full((180, 320, 4), 255, np.uint8)
    result = HostRenderer().render(frame, detections, View(), NAMES, composited=given)
    assert result is given
    changed = (given != 255).any(axis=2)
    assert changed.any()
    assert not changed[60:].any(), "boxes or masks were drawn again"
    untouched = np.full((180, 320, 4), 255, np.uint8)
    HostRenderer().render(frame, detections, View(labels=False), NAMES, composited=untouched)
    assert (untouched == 255).all()


def test_label_text_differs_with_the_name_and_shows_the_score_when_there_is_room():
    frame = make_frame(320, 180)
    view = View(masks=False, outlines=False, boxes=False)
    wide = make_detections(rectangles((60, 60, 260, 120), width=320, height=180), [3])
    narrow = make_detections(rectangles((60, 60, 84, 120), width=320, height=180), [3])

    def label_width(detections, names=NAMES):
        result = HostRenderer().render(frame, detections, view, names)
        return np.flatnonzero((result[..., :3] != frame.image).any(axis=(0, 2))).size

    assert label_width(wide) > label_width(narrow) + 15
    assert label_width(wide, ("", "", "", "a much longer name")) > label_width(wide)
    assert label_width(wide, ()) > label_width(wide), "an unnamed class shows its number"


def test_hostile_names_and_degenerate_objects_are_drawn_without_a_fault():
    frame = make_frame(33, 17)
    masks = np.zeros((3, 17, 33), bool)
    masks[1, 0, 0] = True
    masks[2, :, :] = True
    names = ("\n\x00\x1b[31m", "x" * 10_000, "名前 \U0001f600 <b>", None)
    for ids in ([0, 1, 2], [-5, 99, 3]):
        result = HostRenderer().render(frame, make_detections(masks, ids), View(), names)
        assert (result[..., 3] == 255).all()


def test_instance_colors_survive_a_swap_of_the_score_order():
    view = View(opacity=1.0, color_by=ColorBy.INSTANCE, **BARE)
    left, right = (2, 10, 22, 30), (40, 10, 60, 30)
    renderer = HostRenderer()
    first = renderer.render(
        make_frame(), make_detections(rectangles(left, right), [3, 3]), view, NAMES
    )
    second = renderer.render(
        make_frame(index=1), make_detections(rectangles(right, left), [3, 3]), view, NAMES
    )
    for x in (10, 50):
        assert tuple(first[20, x]) == tuple(second[20, x])
    assert tuple(first[20, 10]) != tuple(first[20, 50])


def test_nv12_is_refused_with_a_reason():
    frame = Frame(np.zeros((6, 4), np.uint8), 4, 4, 0, 0.0, 0, pixel_format=PixelFormat.NV12)
    with pytest.raises(RfviewerError, match="nv12"):
        HostRenderer().render(frame, Detections.empty(), View(), NAMES)


def test_sizes_grow_with_the_frame():
    small, hd, uhd = (DrawSizes.for_frame(*wh) for wh in ((312, 176), (1280, 720), (3840, 2160)))
    assert (small.font_px, small.box_reach, small.outline_px) == (8, 0, 1)
    assert hd.font_px == 16
    assert uhd.font_px == 47
    assert (uhd.box_reach, uhd.outline_px) == (2, 5)
    assert DrawSizes.for_frame(720, 1280) == hd
