import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rfviewer.render.placement import place_labels

FRAME = (320, 180)


@st.composite
def scenes(draw):
    n = draw(st.integers(0, 25))
    boxes, sizes = [], []
    for _ in range(n):
        x, y = draw(st.integers(0, 310)), draw(st.integers(0, 170))
        boxes.append((x, y, x + draw(st.integers(0, 80)), y + draw(st.integers(0, 60))))
        width = draw(st.integers(8, 60))
        sizes.append([(draw(st.sampled_from([0, width + 20])), 11), (width, 11)])
    boxes = np.array(boxes, float).reshape(n, 4)
    boxes[:, 2] = np.minimum(boxes[:, 2], FRAME[0])
    boxes[:, 3] = np.minimum(boxes[:, 3], FRAME[1])
    return boxes, np.array(sizes, float).reshape(n, 2, 2)


@given(scenes())
def test_labels_stay_inside_apart_and_off_objects(scene):
    boxes, sizes = scene
    places = place_labels(boxes, sizes, FRAME)
    assert len(places) == len(boxes)
    seen = np.zeros((FRAME[1], FRAME[0]), bool)
    for index, place in enumerate(places):
        if place is None:
            continue
        x0, y0, x1, y1 = place.xyxy
        assert 0 <= x0 < x1 <= FRAME[0]
        assert 0 <= y0 < y1 <= FRAME[1]
        assert (x1 - x0, y1 - y0) == tuple(sizes[index, place.size])
        assert not seen[y0:y1, x0:x1].any(), "labels overlap"
        seen[y0:y1, x0:x1] = True
        for other, (bx0, by0, bx1, by1) in enumerate(boxes):
            common = max(0, min(x1, bx1) - max(x0, bx0)) * max(0, min(y1, by1) - max(y0, by0))
            limit = 0.25 if other == index else 0.15
            assert common <= limit * max((bx1 - bx0) * (by1 - by0), 1) + 1e-9


def test_a_lone_object_gets_its_whole_label_on_top():
    (place,) = place_labels(
        np.array([[100.0, 50, 160, 90]]), np.array([[[40.0, 11], [20, 11]]]), FRAME
    )
    assert place is not None
    assert (place.xyxy, place.size) == ((100, 39, 140, 50), 0)


def test_at_the_top_edge_the_label_moves_elsewhere_and_in_the_corner_inside():
    wide = np.array([[[40.0, 11], [20, 11]]])
    (place,) = place_labels(np.array([[280.0, 0, 320, 100]]), wide, FRAME)
    assert place is not None
    assert place.xyxy == (280, 0, 320, 11)


def test_a_crowd_of_tiny_objects_gets_few_labels():
    grid = np.array([(x, y, x + 8, y + 8) for x in range(0, 320, 10) for y in range(0, 180, 10)])
    sizes = np.tile([[0.0, 0], [30, 11]], (len(grid), 1, 1))
    assert sum(place is not None for place in place_labels(grid.astype(float), sizes, FRAME)) == 0
