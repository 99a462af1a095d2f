"""Procedural top-down traffic: images with exact instance masks, for training and the demo clips.

`random_scene(rng)` draws one unrelated training image, `Clip(seed).frame(index)` one frame of a
continuous scene, `demo_frames()` the shipped clip with its ground truth. Images are RGB HWC u8;
ids are HW u8, 0 = background; classes map an id to its COCO category id.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from scene_ground import (
    WHITE,
    YELLOW,
    Road,
    directions,
    draw_tree,
    grain,
    paint_band,
    paint_line,
    random_background,
    texture,
)
from scene_objects import (
    BASE_VIEW,
    BUS,
    CAR,
    MOTORCYCLE,
    PERSON,
    SUBPIXEL_BITS,
    SUBPIXELS,
    TRUCK,
    WORLD_HEIGHT,
    WORLD_WIDTH,
    Array,
    Pen,
    SceneObject,
    View,
    draw_object,
    outline,
    random_look,
)
from scene_traffic import CAR_SCALE, LANE_WIDTH, ROAD_HALF_WIDTH, WALKER_SCALE, Lane, Traffic

DEMO_FRAME_COUNT = 538
DEMO_WIDTH, DEMO_HEIGHT = 312, 176
DEMO_FPS = 25
CLIP_SEED = 7
_CLASS_SHARES = {CAR: 0.4, TRUCK: 0.14, BUS: 0.12, MOTORCYCLE: 0.12, PERSON: 0.22}
_SIDES = (-1, 1)


@dataclass(frozen=True, kw_only=True)
class DemoFrame:
    """One frame of the demo clip before encoding, with its ground truth."""

    frame_index: int
    image: Array
    """RGB, (176, 312, 3) u8: the drawn frame, area-averaged by two."""
    ids: Array
    """(176, 312) u8: every second row and column of `drawn_ids`; 0 = background."""
    drawn_ids: Array
    """(352, 624) u8: the masks as they were drawn. A hidden object has no pixel."""
    classes: dict[int, int]
    """COCO category id of every id, hidden objects included."""


def demo_frames(frame_count: int = DEMO_FRAME_COUNT) -> Iterator[DemoFrame]:
    """Yield the first frames of the demo clip in order, with exact masks.

    The ids are stable within one frame only: an id of the next frame may be another object.
    """
    clip = Clip()
    for frame_index in range(frame_count):
        image, drawn_ids, classes = clip.frame(frame_index)
        size = (DEMO_WIDTH, DEMO_HEIGHT)
        yield DemoFrame(
            frame_index=frame_index,
            image=cv2.resize(image, size, interpolation=cv2.INTER_AREA),
            ids=cv2.resize(drawn_ids, size, interpolation=cv2.INTER_NEAREST),
            drawn_ids=drawn_ids,
            classes=classes,
        )


def random_scene(
    rng: np.random.Generator, max_objects: int = 46
) -> tuple[Array, Array, dict[int, int]]:
    """Return (image, ids, classes) of one random training scene at 624x352."""
    image, roads = random_background(rng)
    ids, classes = np.zeros((WORLD_HEIGHT, WORLD_WIDTH), np.uint8), {}
    for object_id, item in enumerate(_random_objects(rng, roads, max_objects), 1):
        draw_object(image, ids, object_id, item, BASE_VIEW)
        classes[object_id] = item.class_id
    for _ in range(rng.integers(0, 5)):
        seed = rng.integers(1 << 31)
        x, y = rng.uniform(0, WORLD_WIDTH), rng.uniform(0, WORLD_HEIGHT)
        draw_tree(image, ids, seed, x, y, rng.uniform(12, 40))
    return _random_light(rng, image), ids, classes


class Clip:
    """One continuous scene: a six-lane road, pavements with walkers, parked cars and trees.

    The same seed gives the same traffic at any `view`; the base view is what the shipped model's
    figures were measured on, bit for bit.
    """

    def __init__(
        self, seed: int = CLIP_SEED, fps: float = DEMO_FPS, view: View = BASE_VIEW
    ) -> None:
        rng = np.random.default_rng(seed)
        self._view = view
        self._next_index = 0
        self._centre = np.array([WORLD_WIDTH / 2, WORLD_HEIGHT * 0.46])
        self._angle = np.deg2rad(-7)
        self._along, self._across = directions(self._angle)
        self._park_centre = np.array([WORLD_WIDTH / 2, WORLD_HEIGHT * 0.46 + 196])
        self._background = self._draw_background(rng)
        self._traffic = Traffic(rng, fps)
        self._parked = [
            self._parked_car(rng, x) for x in range(30, WORLD_WIDTH, 46) if rng.random() < 0.7
        ]
        self._trees = [
            self._random_tree(rng, along, side) for along in range(-300, 320, 75) for side in _SIDES
        ]

    def frame(self, frame_index: int) -> tuple[Array, Array, dict[int, int]]:
        """Return (image, ids, classes) of the next frame.

        Raises:
            ValueError: `frame_index` is not the next one; the traffic only moves forward.
        """
        if frame_index != self._next_index:
            raise ValueError(
                f"Frames are drawn in order: expected {self._next_index}, got {frame_index}."
            )
        self._next_index += 1
        if frame_index:
            self._traffic.step()
        image, ids = self._background.copy(), np.zeros(self._background.shape[:2], np.uint8)
        classes = {}
        for object_id, item in enumerate(self._objects(), 1):
            draw_object(image, ids, object_id, item, self._view)
            classes[object_id] = item.class_id
        for seed, x, y, radius in self._trees:
            draw_tree(image, ids, seed, x, y, radius, self._view)
        noise = grain(np.random.default_rng(frame_index), self._view) * np.float32(2)
        return cv2.add(image, noise, dtype=cv2.CV_8U), ids, classes

    def _draw_background(self, rng: np.random.Generator) -> Array:
        view, angle = self._view, self._angle
        image = texture(rng, (86, 118, 66), 8, view)
        pavement = texture(rng, (168, 164, 158), 4, view)
        road = texture(rng, (84, 84, 88), 4, view)
        car_park = texture(rng, (104, 104, 108), 4, view)
        paint_band(image, self._park_centre, angle, 40, car_park, view)
        paint_band(image, self._centre, angle, ROAD_HALF_WIDTH + 24, pavement, view)
        paint_band(image, self._centre, angle, ROAD_HALF_WIDTH, road, view)
        for offset in (-1.5, 1.5):
            paint_line(image, self._centre, angle, offset, YELLOW, view=view)
        for lane in (1, 2):
            for side in _SIDES:
                offset = lane * LANE_WIDTH * side
                paint_line(image, self._centre, angle, offset, WHITE, 22, view)
        return image

    def _parked_car(self, rng: np.random.Generator, x: int) -> SceneObject:
        along = self._along * (x - self._park_centre[0])
        y = (self._park_centre + along + self._across * rng.uniform(-4, 4))[1]
        angle = self._angle + np.pi / 2 + rng.normal(0, 0.03)
        look = random_look(rng)
        return SceneObject(class_id=CAR, x=x, y=y, angle=angle, scale=CAR_SCALE, look=look)

    def _random_tree(
        self, rng: np.random.Generator, along: float, side: int
    ) -> tuple[int, float, float, float]:
        seed = int(rng.integers(1 << 31))
        offset = side * (ROAD_HALF_WIDTH + 40) + rng.uniform(-8, 8)
        x, y = self._centre + self._along * along + self._across * offset
        return seed, x, y, rng.uniform(16, 30)

    def _objects(self) -> Iterator[SceneObject]:
        """Yield everything on the ground in drawing order."""
        yield from self._parked
        for walker in self._traffic.walkers:
            x, y = self._centre + self._across * walker.offset + self._along * walker.position
            yield SceneObject(
                class_id=walker.class_id,
                x=x,
                y=y,
                angle=self._heading(walker.direction),
                scale=WALKER_SCALE,
                look=walker.look,
                phase=walker.phase,
            )
        for car in self._traffic.cars:
            lane: Lane = self._traffic.lanes[car.lane]
            across = self._across * (lane.offset + car.sway)
            x, y = self._centre + across + self._along * lane.direction * car.position
            yield SceneObject(
                class_id=car.class_id,
                x=x,
                y=y,
                angle=self._heading(lane.direction),
                scale=CAR_SCALE,
                look=car.look,
            )

    def _heading(self, direction: int) -> float:
        return self._angle + (0 if direction > 0 else np.pi)


def _random_objects(
    rng: np.random.Generator, roads: list[Road], max_objects: int
) -> list[SceneObject]:
    """Return objects that hardly overlap; a draw that finds no room is dropped."""
    taken = np.zeros((WORLD_HEIGHT, WORLD_WIDTH), np.uint8)
    scale, lane_share = rng.uniform(0.75, 1.35), rng.uniform(0.5, 1)
    placed = []
    for _ in range(rng.integers(1, max_objects)):
        class_id = int(rng.choice(list(_CLASS_SHARES), p=list(_CLASS_SHARES.values())))
        if roads and rng.random() < lane_share and class_id != PERSON:
            x, y, angle = _random_place_on_road(rng, roads)
        else:
            x, y = rng.uniform(-10, WORLD_WIDTH + 10), rng.uniform(-10, WORLD_HEIGHT + 10)
            angle = rng.uniform(0, 2 * np.pi)
        size, phase = scale * rng.uniform(0.92, 1.08), rng.uniform(0, 6.3)
        look = random_look(rng)
        item = SceneObject(
            class_id=class_id, x=x, y=y, angle=angle, scale=size, look=look, phase=phase
        )
        if _claim(taken, item):
            placed.append(item)
    return placed


def _random_place_on_road(
    rng: np.random.Generator, roads: list[Road]
) -> tuple[float, float, float]:
    road = roads[rng.integers(len(roads))]
    offset = road.lane_offsets[rng.integers(len(road.lane_offsets))]
    along, across = directions(road.angle)
    x, y = road.centre + across * offset + along * rng.uniform(-450, 450)
    return x, y, (road.angle if offset < 0 else road.angle + np.pi) + rng.normal(0, 0.03)


def _claim(taken: Array, item: SceneObject) -> bool:
    """Mark the object's place in `taken`, if enough of it is on the canvas and free."""
    pen = Pen(taken, BASE_VIEW, (item.x, item.y), item.angle, item.scale * 1.06)
    points = pen.points(outline(item.class_id, *item.length_width))
    limits = [WORLD_WIDTH, WORLD_HEIGHT]
    left, top = np.clip(points.min(0) // SUBPIXELS, 0, limits)
    right, bottom = np.clip(points.max(0) // SUBPIXELS + 2, 0, limits)
    if right - left < 6 or bottom - top < 6:
        return False
    mask = np.zeros((bottom - top, right - left), np.uint8)
    shifted = [points - [left * SUBPIXELS, top * SUBPIXELS]]
    cv2.fillPoly(mask, shifted, (1,), cv2.LINE_8, SUBPIXEL_BITS)
    region = taken[top:bottom, left:right]
    if mask.sum() < 60 or (region & mask).sum() > 0.02 * mask.sum():
        return False
    region |= mask
    return True


def _random_light(rng: np.random.Generator, image: Array) -> Array:
    """Return the image under another light, sharpness and film grain."""
    gain, shift, tint = rng.uniform(0.6, 1.25), rng.uniform(-20, 20), rng.uniform(0.92, 1.08, 3)
    table = np.clip(np.arange(256)[:, None] * (gain * tint) + shift, 0, 255).astype(np.uint8)
    image = cv2.LUT(image, table.reshape(256, 1, 3))
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
    return cv2.add(image, grain(rng) * np.float32(rng.uniform(0, 7)), dtype=cv2.CV_8U)
