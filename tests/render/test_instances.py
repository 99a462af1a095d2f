import numpy as np

from rfviewer.detections import Detections
from rfviewer.render.instances import InstanceSlots, box_iou


def detections(*boxes, classes=None):
    n = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(n, 4),
        np.linspace(0.9, 0.5, n, dtype=np.float32),
        np.array(classes or [3] * n, np.int32),
    )


LEFT, RIGHT, NEW = (0, 0, 40, 20), (100, 0, 140, 20), (200, 0, 240, 20)


def moved(box, dx):
    return (box[0] + dx, box[1], box[2] + dx, box[3])


def test_slots_follow_boxes_when_the_score_order_swaps():
    slots = InstanceSlots()
    assert slots.assign("run", detections(LEFT, RIGHT)) == [0, 1]
    assert slots.assign("run", detections(moved(RIGHT, 3), moved(LEFT, 3))) == [1, 0]


def test_a_new_object_takes_the_lowest_free_slot():
    slots = InstanceSlots()
    slots.assign("run", detections(LEFT, RIGHT))
    assert slots.assign("run", detections(NEW, LEFT, RIGHT)) == [2, 0, 1]


def test_an_object_missed_for_a_few_frames_keeps_its_slot_and_nobody_gets_it():
    slots = InstanceSlots()
    slots.assign("run", detections(LEFT, RIGHT))
    for _ in range(10):
        assert slots.assign("run", detections(RIGHT, NEW)) == [1, 2]
    assert slots.assign("run", detections(LEFT, RIGHT)) == [0, 1]


def test_a_lost_object_frees_its_slot_in_the_end():
    slots = InstanceSlots()
    slots.assign("run", detections(LEFT, RIGHT))
    for _ in range(20):
        slots.assign("run", detections(RIGHT))
    assert slots.assign("run", detections(RIGHT, NEW)) == [1, 0]


def test_class_and_run_separate_objects():
    slots = InstanceSlots()
    slots.assign("run", detections(LEFT, RIGHT))
    assert slots.assign("run", detections(RIGHT, classes=[8])) == [2]
    assert slots.assign("other run", detections(RIGHT)) == [0]


def test_no_objects():
    slots = InstanceSlots()
    assert slots.assign("run", Detections.empty()) == []
    assert slots.assign("run", detections(LEFT)) == [0]
    assert slots.assign("run", Detections.empty()) == []


def test_iou_of_empty_and_half_overlapping_boxes():
    first = np.array([[0, 0, 2, 2], [5, 5, 5, 5]], np.float32)
    second = np.array([[1, 0, 3, 2]], np.float32)
    np.testing.assert_allclose(box_iou(first, second), [[1 / 3], [0]])
