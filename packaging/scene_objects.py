"""What moves in the drawn world: five kinds of object, seen from above, with exact masks.

World units are the pixels of the base canvas, 624x352; a `View` says which part of the world a
canvas shows and how large. Angles are in radians; an object's own frame has x forward.
Images are RGB HWC u8; ids are HW u8, 0 = background.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

WORLD_WIDTH, WORLD_HEIGHT = 624, 352
PERSON, CAR, MOTORCYCLE, BUS, TRUCK = 1, 3, 4, 6, 8
"""COCO category ids."""
NAMES = {PERSON: "person", CAR: "car", MOTORCYCLE: "motorcycle", BUS: "bus", TRUCK: "truck"}
LENGTH_WIDTH = {
    CAR: (66, 31),
    TRUCK: (118, 36),
    BUS: (136, 39),
    MOTORCYCLE: (38, 15),
    PERSON: (15, 24),
}
PAINTS = np.array(
    [
        (245, 245, 245),
        (30, 30, 34),
        (120, 124, 130),
        (180, 184, 188),
        (170, 28, 30),
        (26, 60, 140),
        (20, 96, 70),
        (205, 160, 40),
        (90, 60, 40),
        (220, 110, 30),
        (70, 130, 180),
        (140, 150, 60),
    ]
)
SUBPIXEL_BITS = 4
SUBPIXELS = 1 << SUBPIXEL_BITS
_GLASS, _DARK = (38, 46, 56), (24, 24, 26)
_HEADLIGHT, _TAILLIGHT = (255, 244, 190), (210, 30, 30)
_SIDES = (-1, 1)

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class View:
    """The part of the world that a canvas shows: pixel = world * scale + offset."""

    width: int = WORLD_WIDTH
    height: int = WORLD_HEIGHT
    scale: float = 1.0
    offset_xy: tuple[float, float] = (0.0, 0.0)

    def to_pixels(self, points: ArrayLike) -> Array:
        """Return world points (..., 2) in pixels, not rounded."""
        return np.asarray(points) * self.scale + np.asarray(self.offset_xy)

    @classmethod
    def covering(cls, width: int, height: int) -> "View":
        """Return the view of the whole world on such a canvas, cropped evenly to its aspect.

        Pixel centres are whole numbers, so that the world's edge is at -0.5.
        """
        scale = max(width / WORLD_WIDTH, height / WORLD_HEIGHT)
        sizes = ((width, WORLD_WIDTH), (height, WORLD_HEIGHT))
        left, top = ((size - world * scale) / 2 + scale / 2 - 0.5 for size, world in sizes)
        return cls(width=width, height=height, scale=scale, offset_xy=(left, top))


BASE_VIEW = View()


@dataclass(frozen=True, kw_only=True)
class Look:
    """What makes one object differ from another of its class."""

    color: Array
    second_color: Array
    length_gain: float
    width_gain: float


@dataclass(frozen=True, kw_only=True)
class SceneObject:
    """One object where it stands now, in world units."""

    class_id: int
    x: float
    y: float
    angle: float
    scale: float
    look: Look
    phase: float = 0.0
    """Of a walker's step."""

    @property
    def length_width(self) -> tuple[float, float]:
        """Its length and width before `scale`."""
        length, width = LENGTH_WIDTH[self.class_id]
        return length * self.look.length_gain, width * self.look.width_gain


class Pen:
    """Draws shapes given in an object's own frame onto a canvas."""

    def __init__(
        self, canvas: Array, view: View, position: ArrayLike, angle: float, scale: float
    ) -> None:
        cosine, sine = np.cos(angle), np.sin(angle)
        self._canvas = canvas
        self._scale = scale * view.scale
        self._matrix = np.array([[cosine, sine], [-sine, cosine]]) * self._scale
        self._origin = view.to_pixels(position)

    def points(self, shape: ArrayLike) -> Array:
        """Return the shape's points in 1/16 pixels, int32."""
        pixels = np.asarray(shape, float) @ self._matrix + self._origin
        return np.round(pixels * SUBPIXELS).astype(np.int32)

    def polygon(self, shape: ArrayLike, color: ArrayLike) -> None:
        """Fill a polygon, antialiased."""
        points = [self.points(shape)]
        cv2.fillPoly(self._canvas, points, to_color(color), cv2.LINE_AA, SUBPIXEL_BITS)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, color: ArrayLike) -> None:
        """Fill a rectangle given by two corners."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], color)

    def disc(self, x: float, y: float, radius: float, color: ArrayLike) -> None:
        """Fill a disc."""
        column, row = self.points([(x, y)])[0]
        centre, size = (int(column), int(row)), int(radius * self._scale * SUBPIXELS)
        cv2.circle(self._canvas, centre, size, to_color(color), -1, cv2.LINE_AA, SUBPIXEL_BITS)


def to_color(color: ArrayLike) -> tuple[int, ...]:
    """Return a colour as OpenCV takes it."""
    return tuple(int(value) for value in np.asarray(color))


def rounded_box(length: float, width: float, radius: float, *, x: float = 0) -> Array:
    """Return a box with round corners, its middle at (x, 0)."""
    angles = np.linspace(0, np.pi / 2, 5)
    corner_x = length / 2 - radius + radius * np.cos(angles)
    corner = np.stack([corner_x, width / 2 - radius + radius * np.sin(angles)], 1)
    left, back, right = (corner * [-1, 1])[::-1], corner * [-1, -1], (corner * [1, -1])[::-1]
    return np.concatenate([corner, left, back, right]) + np.array([x, 0])


def outline(class_id: int, length: float, width: float) -> Array:
    """Return the polygon that is the object's mask, in its own frame."""
    if class_id == PERSON:
        angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        return np.stack([length / 2 * np.cos(angles), width / 2 * np.sin(angles)], 1)
    radius = {CAR: width * 0.32, TRUCK: 3, BUS: 5, MOTORCYCLE: width * 0.48}[class_id]
    return rounded_box(length, width, radius)


def random_look(rng: np.random.Generator) -> Look:
    """Return a random paint and size."""
    painted = rng.random() < 0.7
    color = PAINTS[rng.integers(len(PAINTS))] if painted else rng.integers(10, 250, 3)
    light = rng.random() < 0.6
    second = rng.integers(120, 250, 3) if light else PAINTS[rng.integers(len(PAINTS))]
    return Look(
        color=np.clip(color + rng.normal(0, 8, 3), 0, 255),
        second_color=second,
        length_gain=rng.uniform(0.9, 1.12),
        width_gain=rng.uniform(0.92, 1.08),
    )


def draw_object(image: Array, ids: Array, object_id: int, item: SceneObject, view: View) -> None:
    """Draw one object with its shadow on `image`, and its mask as `object_id` on `ids`."""
    length, width = item.length_width
    body = outline(item.class_id, length, width)
    _draw_shadow(image, body, item, view)
    pen = Pen(image, view, (item.x, item.y), item.angle, item.scale)
    _DRAWERS[item.class_id](pen, body, length, width, item)
    cv2.fillPoly(ids, [pen.points(body)], object_id, cv2.LINE_8, SUBPIXEL_BITS)


def _draw_shadow(image: Array, body: Array, item: SceneObject, view: View) -> None:
    position = (item.x + 4 * item.scale, item.y + 5 * item.scale)
    points = Pen(image, view, position, item.angle, item.scale).points(body)
    left, top = np.maximum((points.min(0) // SUBPIXELS) - 2, 0)
    right, bottom = (points.max(0) // SUBPIXELS) + 3
    if right <= left or bottom <= top or left >= view.width or top >= view.height:
        return
    region = image[top:bottom, left:right]
    mask = np.zeros(region.shape[:2], np.uint8)
    shifted = [points - [left * SUBPIXELS, top * SUBPIXELS]]
    cv2.fillPoly(mask, shifted, (255,), cv2.LINE_AA, SUBPIXEL_BITS)
    region[:] = (region * (1 - 0.45 * (mask[..., None] / 255.0))).astype(np.uint8)


def _draw_car(pen: Pen, body: Array, length: float, width: float, item: SceneObject) -> None:
    color = item.look.color
    pen.polygon(body, color * 0.82)
    pen.polygon(rounded_box(length * 0.94, width * 0.84, width * 0.25), color)
    for x_out, y_out, x_in, y_in in ((0.22, 0.40, 0.10, 0.34), (-0.34, 0.36, -0.26, 0.33)):
        outer, inner = length * x_out, length * x_in
        pen.polygon(
            [
                (outer, -width * y_out),
                (inner, -width * y_in),
                (inner, width * y_in),
                (outer, width * y_out),
            ],
            _GLASS,
        )
    pen.rectangle(-length * 0.24, -width * 0.40, length * 0.08, -width * 0.35, _GLASS)
    pen.rectangle(-length * 0.24, width * 0.35, length * 0.08, width * 0.40, _GLASS)
    roof = rounded_box(length * 0.32, width * 0.62, width * 0.12, x=-length * 0.08)
    pen.polygon(roof, np.minimum(color * 1.12 + 10, 255))
    for side in _SIDES:
        pen.disc(length * 0.46, side * width * 0.32, width * 0.07, _HEADLIGHT)
        pen.disc(-length * 0.46, side * width * 0.32, width * 0.07, _TAILLIGHT)


def _draw_truck(pen: Pen, _body: Array, length: float, width: float, item: SceneObject) -> None:
    box_color = item.look.second_color
    pen.rectangle(-length / 2, -width / 2, length * 0.24, width / 2, box_color)
    top_color = np.minimum(box_color * 1.08 + 6, 255)
    pen.rectangle(-length * 0.48, -width * 0.45, length * 0.22, width * 0.45, top_color)
    for x in np.linspace(-length * 0.42, length * 0.16, 6):
        pen.rectangle(x, -width * 0.45, x + 1.2, width * 0.45, box_color * 0.8)
    pen.rectangle(length * 0.24, -width * 0.12, length * 0.28, width * 0.12, _DARK)
    pen.polygon(rounded_box(length * 0.22, width * 0.92, 4, x=length * 0.39), item.look.color)
    pen.rectangle(length * 0.40, -width * 0.38, length * 0.45, width * 0.38, _GLASS)


def _draw_bus(pen: Pen, body: Array, length: float, width: float, item: SceneObject) -> None:
    color = item.look.color
    pen.polygon(body, color * 0.85)
    pen.polygon(rounded_box(length * 0.97, width * 0.88, 4), color)
    pen.rectangle(length * 0.44, -width * 0.40, length * 0.48, width * 0.40, _GLASS)
    for side in _SIDES:
        middle = side * width * 0.44
        pen.rectangle(-length * 0.46, middle - 1.2, length * 0.42, middle + 1.2, _GLASS)
    for x in (-0.28, 0.02, 0.27):
        hatch = rounded_box(length * 0.15, width * 0.46, 3, x=length * x)
        pen.polygon(hatch, item.look.second_color)
    pen.rectangle(-length * 0.44, -1, length * 0.40, 1, color * 0.9)


def _draw_motorcycle(
    pen: Pen, _body: Array, length: float, width: float, item: SceneObject
) -> None:
    pen.polygon(rounded_box(length, width * 0.34, width * 0.16), _DARK)
    pen.rectangle(length * 0.22, -width * 0.5, length * 0.30, width * 0.5, (90, 90, 94))
    rider = rounded_box(length * 0.34, width * 0.95, width * 0.4, x=-length * 0.06)
    pen.polygon(rider, item.look.color)
    pen.disc(-length * 0.02, 0, width * 0.30, item.look.second_color)


def _draw_person(pen: Pen, body: Array, length: float, width: float, item: SceneObject) -> None:
    step = np.sin(item.phase) * length * 0.35
    pen.disc(step, -width * 0.18, length * 0.2, _DARK)
    pen.disc(-step, width * 0.18, length * 0.2, _DARK)
    pen.polygon(body, item.look.color)
    pen.disc(length * 0.04, 0, length * 0.30, item.look.second_color)


_DRAWERS = {
    CAR: _draw_car,
    TRUCK: _draw_truck,
    BUS: _draw_bus,
    MOTORCYCLE: _draw_motorcycle,
    PERSON: _draw_person,
}
