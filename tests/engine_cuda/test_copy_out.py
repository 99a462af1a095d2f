"""Masks out of the stream, without a GPU: which bytes belong to which detection."""

import pickle

import numpy as np
import pytest

pytest.importorskip("torch")

from rfviewer.engine.cuda.copy_out import region_masks
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.records import Records, region_layout

pytestmark = pytest.mark.needs_torch
REGIONS = [[0, 0, 8, 2], [8, 1, 24, 3], [0, 3, 16, 4]]
STREAM = np.zeros(3 * 512, np.uint8)
STREAM[:2], STREAM[512:516], STREAM[1024:1026] = 1, 2, 4


def masks_of(planes, regions=REGIONS, stream=STREAM):
    count = len(planes)
    kept = np.array(regions, np.int32).reshape(-1, 4)[: max(planes, default=-1) + 1]
    records = Records(
        np.zeros((count, 4), np.float32),
        np.zeros(count, np.float32),
        np.zeros(count, np.int32),
        np.array(planes, np.int32),
        kept,
        region_layout(kept).size,
    )
    return region_masks(records, stream, FrameFormat(24, 4))


@pytest.mark.parametrize("planes", [[0, 1, 2], [0, 1, 0, 2], [0, 0, 1], [0, 0], [0], []])
def test_each_detection_gets_the_bytes_of_its_plane(planes):
    masks = masks_of(planes)
    assert len(masks) == len(planes)
    for index, plane in enumerate(planes):
        x0, y0, x1, y1 = REGIONS[plane]
        assert masks.regions_xyxy[index].tolist() == REGIONS[plane]
        rows = masks.data[index, y0:y1, x0 // 8 : x1 // 8]
        assert (rows == 1 << plane).all()


def test_an_empty_mask_takes_no_bytes():
    masks = masks_of([0, 1], [[24, 4, 0, 0], REGIONS[1]])
    assert masks.regions_xyxy[0].tolist() == [0, 0, 0, 0]
    assert masks.data[1, 1:3, 1:3].tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize("planes", [[0, 1, 2], [0, 1, 0]])
def test_masks_placed_late_know_nothing_of_the_next_frame(planes):
    stream = STREAM.copy()
    masks, wanted = masks_of(planes, stream=stream), masks_of(planes).dense()
    stream[:] = 0xFF
    assert len(masks) == len(planes)
    assert masks.nbytes == len(masks._stream)
    again = pickle.loads(pickle.dumps(masks))
    for found in (masks, again, masks.select(np.arange(len(planes)))):
        np.testing.assert_array_equal(found.dense(), wanted)
