"""What stands still in the drawn world: ground, roads, pavements, roofs, trees, and film grain."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike

from scene_objects import (
    BASE_VIEW,
    SUBPIXEL_BITS,
    SUBPIXELS,
    WORLD_HEIGHT,
    WORLD_WIDTH,
    Array,
    View,
    to_color,
)

YELLOW, WHITE = (220, 190, 70), (225, 225, 225)
_GROUNDS = [
    (86, 118, 66),
    (122, 112, 92),
    (150, 148, 142),
    (104, 130, 84),
    (170, 160, 138),
    (70, 96, 60),
]
_NOISE_CELL = 16
"""World units from one point of the ground's coarse noise to the next."""
_BAND_REACH, _LINE_REACH = 900, 800
"""Half the length of a road and of its markings: past every edge of the canvas."""


@dataclass(frozen=True, kw_only=True)
class Road:
    """A straight road: where it runs and where its lanes are, in world units."""

    centre: Array
    angle: float
    lane_offsets: list[float]
    half_width: float


def grain(rng: np.random.Generator, view: View = BASE_VIEW) -> Array:
    """Return a random window of the noise field, (height, width, 3) float32, mean 0, std 1."""
    height, width = view.height, view.width
    y, x = rng.integers(0, 2 * height - height + 1), rng.integers(0, 2 * width - width + 1)
    return _grain_field(height, width)[y : y + height, x : x + width]


@cache
def _grain_field(height: int, width: int) -> Array:
    return np.random.default_rng(0).standard_normal((2 * height, 2 * width, 3), np.float32)


def texture(
    rng: np.random.Generator, color: ArrayLike, amplitude: float, view: View = BASE_VIEW
) -> Array:
    """Return a canvas of one uneven colour: the world's coarse noise, the pixels' fine noise."""
    coarse_shape = (WORLD_HEIGHT // _NOISE_CELL + 2, WORLD_WIDTH // _NOISE_CELL + 2)
    coarse = rng.standard_normal(coarse_shape, np.float32)
    coarse = cv2.resize(coarse, (view.width, view.height), interpolation=cv2.INTER_CUBIC)
    noise = (coarse + 0.5 * grain(rng, view)[..., 0]) * np.float32(amplitude)
    scalar = (*(float(value) for value in np.asarray(color)), 0.0)
    return cv2.add(np.repeat(noise[..., None], 3, 2), scalar, dtype=cv2.CV_8U)


def directions(angle: float) -> tuple[Array, Array]:
    """Return the unit vectors along and across a road of this angle."""
    along = np.array([np.cos(angle), np.sin(angle)])
    return along, np.array([-along[1], along[0]])


def paint_band(
    image: Array,
    centre: Array,
    angle: float,
    half_width: float,
    surface: Array,
    view: View = BASE_VIEW,
) -> None:
    """Copy `surface` onto `image` along an endless band."""
    along, across = directions(angle)
    reach, side = along * _BAND_REACH, across * half_width
    corners = np.array(
        [
            centre + reach + side,
            centre - reach + side,
            centre - reach - side,
            centre + reach - side,
        ]
    )
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(view.to_pixels(corners)).astype(np.int32)], (255,))
    image[mask > 0] = surface[mask > 0]


def paint_line(
    image: Array,
    centre: Array,
    angle: float,
    offset: float,
    color: ArrayLike,
    dash: float = 0,
    view: View = BASE_VIEW,
) -> None:
    """Paint a road marking at `offset` from the road's middle; `dash` 0 is an unbroken line."""
    along, across = directions(angle)
    period, length = (dash * 2, dash) if dash else (2 * _LINE_REACH, 2 * _LINE_REACH)
    thickness = round(2 * view.scale)
    for start in np.arange(-_LINE_REACH, _LINE_REACH, period):
        ends = [centre + across * offset + along * at for at in (start, start + length)]
        first, last = (_subpixel_point(end, view) for end in ends)
        cv2.line(image, first, last, to_color(color), thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def draw_tree(
    image: Array, ids: Array, seed: int, x: float, y: float, radius: float, view: View = BASE_VIEW
) -> None:
    """Draw a tree's crown over everything; what it hides is background in `ids`."""
    rng = np.random.default_rng(seed)
    for _ in range(14):
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0, radius * 0.7)
        green = rng.integers(60, 120)
        position = (x + distance * np.cos(angle), y + distance * np.sin(angle))
        column, row = view.to_pixels(position)
        point = (int(column), int(row))
        size = int(radius * rng.uniform(0.3, 0.5) * view.scale) + 1
        color = (int(green * 0.45), int(green), int(green * 0.4))
        cv2.circle(image, point, size, color, -1, cv2.LINE_AA)
        cv2.circle(ids, point, size, (0,), -1)


def random_background(rng: np.random.Generator) -> tuple[Array, list[Road]]:
    """Return a random ground with roofs and roads, base view only, and the roads."""
    image = texture(rng, _GROUNDS[rng.integers(len(_GROUNDS))], 9)
    asphalt = texture(rng, np.array([1, 1, 1.03]) * rng.integers(62, 112), 5)
    pavement = texture(rng, np.array([1, 0.98, 0.95]) * rng.integers(140, 190), 5)
    for _ in range(rng.integers(0, 5)):
        _draw_roof(rng, image)
    road_count = rng.choice([0, 1, 1, 1, 2, 2, 3])
    roads = [_random_road(rng) for _ in range(road_count)]
    for road in roads:
        paint_band(image, road.centre, road.angle, road.half_width + 22, pavement)
    for road in roads:
        paint_band(image, road.centre, road.angle, road.half_width, asphalt)
    for road in roads:
        paint_line(image, road.centre, road.angle, 0, YELLOW)
        lanes = len(road.lane_offsets) // 2
        lane_width = road.half_width / lanes
        for lane in range(1, lanes):
            for side in (-1, 1):
                paint_line(image, road.centre, road.angle, lane * lane_width * side, WHITE, 22)
    return image, roads


def _draw_roof(rng: np.random.Generator, image: Array) -> None:
    x, y = int(rng.integers(-40, WORLD_WIDTH)), int(rng.integers(-40, WORLD_HEIGHT))
    width, height = int(rng.integers(40, 160)), int(rng.integers(40, 120))
    corners = (x, y), (x + width, y + height)
    cv2.rectangle(image, *corners, to_color(rng.integers(70, 200, 3)), -1)
    cv2.rectangle(image, *corners, (60, 60, 60), 2)


def _random_road(rng: np.random.Generator) -> Road:
    x, y = rng.uniform(0.2, 0.8) * WORLD_WIDTH, rng.uniform(0.25, 0.75) * WORLD_HEIGHT
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)], p=[0.4, 0.25, 0.35])
    lanes, lane_width = int(rng.integers(1, 4)), rng.uniform(44, 56)
    offsets = [(lane + 0.5) * lane_width * side for lane in range(lanes) for side in (-1, 1)]
    return Road(
        centre=np.array([x, y]), angle=angle, lane_offsets=offsets, half_width=lanes * lane_width
    )


def _subpixel_point(point: Array, view: View) -> tuple[int, int]:
    column, row = np.round(view.to_pixels(point) * SUBPIXELS).astype(int).tolist()
    return column, row
