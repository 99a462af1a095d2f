"""The result table on the host, without a GPU."""

import numpy as np
import pytest

from rfviewer.engine.cuda.records import read_records
from rfviewer.errors import EngineError

ROWS = 6


def table(scores, planes, regions, invalid=0):
    words = np.zeros(4 + 12 * ROWS, np.int32)
    words[:4] = len(scores), len(scores), len(regions), invalid
    records = words[4 : 4 + 8 * ROWS].reshape(ROWS, 8)
    floats = records.view(np.float32)
    for row, (score, plane) in enumerate(zip(scores, planes, strict=True)):
        floats[row, 0] = score
        records[row, 1:3] = row + 40, row
        floats[row, 3:7] = row, row + 0.5, row + 2, row + 3
        records[row, 7] = plane
    words[4 + 8 * ROWS :].reshape(ROWS, 4)[: len(regions)] = np.reshape(regions, (-1, 4))
    return words


def test_columns_are_new_arrays():
    words = table([0.9, 0.7], [0, 1], [[1, 2, 3, 4], [5, 6, 7, 8]])
    found = read_records(words, ROWS, 0.5)
    words[:] = -1
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])
    assert found.boxes_xyxy.tolist() == [[0, 0.5, 2, 3], [1, 1.5, 3, 4]]
    assert found.class_ids.tolist() == [40, 41]
    assert found.planes.tolist() == [0, 1]
    assert found.regions.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert found.boxes_xyxy.flags.c_contiguous


def test_the_host_filters_when_the_device_kept_everything():
    words = table([0.9, 0.5, 0.4], [0, 1, 1], [[0, 0, 1, 1]] * 2)
    found = read_records(words, ROWS, 0.5)  # strictly above
    assert found.scores.tolist() == pytest.approx([0.9])
    assert len(found.regions) == 2


def test_nothing_found():
    found = read_records(table([], [], []), ROWS, 0.5)
    assert (len(found.scores), found.boxes_xyxy.shape, found.regions.shape) == (0, (0, 4), (0, 4))


@pytest.mark.parametrize(
    ("invalid", "names"),
    [(1, "pred_logits"), (2, "pred_boxes"), (6, "pred_boxes and pred_masks")],
)
def test_an_invalid_output_is_an_error(invalid, names):
    with pytest.raises(EngineError, match=rf"\({names} holds NaN or infinity\)"):
        read_records(table([0.9], [0], [[0, 0, 1, 1]], invalid), ROWS, 0.5)
