"""The result table on the host, without a GPU."""

import numpy as np
import pytest

from rfviewer.engine.cuda.records import (
    CHUNK_BYTES,
    HEADER_WORDS,
    ResultTable,
    read_records,
    region_layout,
)
from rfviewer.errors import EngineError

ROWS = 6
FIRST_REGION = HEADER_WORDS + 8 * ROWS


def table(scores, planes, regions, invalid=0, streamed=0):
    words = np.zeros(HEADER_WORDS + 12 * ROWS, np.int32)
    words[:5] = len(scores), len(scores), len(regions), invalid, streamed
    records = words[HEADER_WORDS:FIRST_REGION].reshape(ROWS, 8)
    floats = records.view(np.float32)
    for row, (score, plane) in enumerate(zip(scores, planes, strict=True)):
        floats[row, 0] = score
        records[row, 1:3] = row + 40, row
        floats[row, 3:7] = row, row + 0.5, row + 2, row + 3
        records[row, 7] = plane
    words[FIRST_REGION:].reshape(ROWS, 4)[: len(regions)] = np.reshape(regions, (-1, 4))
    return words


def test_columns_lie_in_new_memory():
    words = table([0.9, 0.7], [0, 1], [[1, 2, 3, 4], [5, 6, 7, 8]])
    found = read_records(ResultTable(words, ROWS), 0.5)
    words[:] = -1
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])
    assert found.boxes_xyxy.tolist() == [[0, 0.5, 2, 3], [1, 1.5, 3, 4]]
    assert found.class_ids.tolist() == [40, 41]
    assert found.planes.tolist() == [0, 1]
    assert found.regions.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_the_host_filters_when_the_device_kept_everything():
    words = table([0.9, 0.5, 0.4], [0, 1, 1], [[0, 0, 1, 1]] * 2, streamed=1024)
    found = read_records(ResultTable(words, ROWS), 0.5)  # strictly above
    assert found.scores.tolist() == pytest.approx([0.9])
    assert len(found.regions) == 1
    assert found.streamed == 512, "not the bytes of planes that nobody kept"


@pytest.mark.parametrize("streamed", [0, 1024])
def test_the_device_tells_the_length_of_the_stream(streamed):
    words = table([0.9, 0.8], [0, 1], [[0, 0, 1, 1]] * 2, streamed=streamed)
    assert read_records(ResultTable(words, ROWS), 0.5).streamed == streamed


def test_nothing_found():
    found = read_records(ResultTable(table([], [], []), ROWS), 0.5)
    assert (len(found.scores), found.boxes_xyxy.shape, found.regions.shape) == (0, (0, 4), (0, 4))


@pytest.mark.parametrize(
    ("invalid", "names"),
    [(1, "pred_logits"), (2, "pred_boxes"), (6, "pred_boxes and pred_masks")],
)
def test_an_invalid_output_is_an_error(invalid, names):
    with pytest.raises(EngineError, match=rf"\({names} holds NaN or infinity\)"):
        read_records(ResultTable(table([0.9], [0], [[0, 0, 1, 1]], invalid), ROWS), 0.5)


def naive_layout(regions):
    """Return regions, starts and the length of the stream, padding included, plane by plane."""
    tight, starts, end = [], [], 0
    for x0, y0, x1, y1 in regions.tolist():
        starts.append(end)
        empty = x1 <= x0
        tight.append([0, 0, 0, 0] if empty else [x0, y0, x1, y1])
        size = 0 if empty else (y1 - y0) * (-(-x1 // 8) - x0 // 8)
        end += -(-size // CHUNK_BYTES) * CHUNK_BYTES
    return tight, starts, end


@pytest.mark.parametrize("empty_share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size_wh", [(5, 3), (312, 176), (3840, 2160)])
def test_the_layout_of_the_stream_is_the_naive_one(size_wh, empty_share):
    rng = np.random.default_rng(7)
    for planes in (0, 1, 2, 35, 300):
        first = rng.integers(0, size_wh, (planes, 2))
        regions = np.hstack([first, rng.integers(first, size_wh) + 1]).astype(np.int32)
        regions[rng.random(planes) < empty_share] = (*size_wh, 0, 0)  # as the device leaves it
        tight, starts, size = naive_layout(regions)
        found = region_layout(regions)
        assert found.regions_xyxy.tolist() == tight
        assert found.starts.tolist() == starts
        assert found.size == size


@pytest.mark.parametrize("threshold", [-1.0, 0.1, 0.5, 1.0])
def test_any_table_reads_as_row_by_row(threshold):
    rng = np.random.default_rng(8)
    for count in range(ROWS + 1):
        scores = np.sort(rng.random(count, np.float32))[::-1]
        planes = [
            int(plane) for plane in np.maximum.accumulate(rng.integers(0, max(count, 1), count))
        ]
        words = table(scores, planes, rng.integers(0, 99, (max(planes, default=-1) + 1, 4)))
        floats, found = words.view(np.float32), read_records(ResultTable(words, ROWS), threshold)
        kept = [row for row in range(count) if scores[row] > np.float32(threshold)]
        rows = [HEADER_WORDS + 8 * row for row in kept]
        assert found.scores.tolist() == [float(floats[row]) for row in rows]
        assert found.class_ids.tolist() == [words[row + 1] for row in rows]
        assert found.boxes_xyxy.tolist() == [floats[row + 3 : row + 7].tolist() for row in rows]
        assert found.planes.tolist() == [words[row + 7] for row in rows]
        used = max((planes[row] for row in kept), default=-1) + 1
        assert found.regions.ravel().tolist() == words[FIRST_REGION:][: 4 * used].tolist()
        columns = (found.scores, found.class_ids, found.boxes_xyxy, found.regions)
        assert not any(np.shares_memory(column, words) for column in columns)
        assert [column.dtype for column in columns] == [np.float32, np.int32, np.float32, np.int32]
