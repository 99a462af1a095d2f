"""Detections through one dictionary per object: nothing is lost."""

import numpy as np
import pytest

from rfviewer.detections import Detections, InstanceMasks
from rfviewer.engine.objects import through_objects, to_objects


def detections(packed, count=5, width=37, height=21):
    rng = np.random.default_rng(count)
    dense = np.zeros((count, height, width), bool)
    regions = np.zeros((count, 4), np.int32)
    for index in range(count - 1):  # the last mask is empty
        x0, y0 = rng.integers(0, width - 6), rng.integers(0, height - 6)
        dense[index, y0 : y0 + 5, x0 : x0 + 6] = rng.random((5, 6)) > 0.3
        regions[index] = x0, y0, x0 + 6, y0 + 5
    data = np.packbits(dense, axis=2, bitorder="little") if packed else dense.astype(np.uint8)
    return Detections(
        rng.uniform(0, 20, (count, 4)).astype(np.float32),
        rng.random(count).astype(np.float32),
        rng.integers(0, 91, count).astype(np.int32),
        InstanceMasks(data, regions, width, height, packed),
    )


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("count", [1, 5])
def test_all_comes_back_to_the_bit(packed, count):
    found = detections(packed, count)
    again = through_objects(found)
    for name in ("boxes_xyxy", "scores", "class_ids"):
        before, after = getattr(found, name), getattr(again, name)
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)
    assert again.masks.packed == packed
    np.testing.assert_array_equal(again.masks.data, found.masks.data)
    np.testing.assert_array_equal(again.masks.regions_xyxy, found.masks.regions_xyxy)


def test_objects_are_plain_python_but_for_the_mask():
    item = to_objects(detections(packed=True))[0]
    assert all(type(value) is float for value in (*item["xyxy"], item["confidence"]))
    assert type(item["class_id"]) is int
    assert item["mask"]["bits"].dtype == bool


def test_without_objects_and_without_masks():
    assert len(through_objects(Detections.empty())) == 0
    found = detections(packed=True)
    bare = Detections(found.boxes_xyxy, found.scores, found.class_ids, None)
    assert through_objects(bare).masks is None
    none = found.select(np.zeros(0, np.intp))
    assert len(through_objects(none).masks) == 0
