"""The traffic of the demo clip: cars that follow one another on six lanes, and walkers.

Lengths in world units, times in seconds. Positions run along the road, from its middle.
"""

from dataclasses import dataclass

import numpy as np

from scene_objects import BUS, CAR, LENGTH_WIDTH, MOTORCYCLE, PERSON, TRUCK, Look, random_look

LANE_WIDTH = 44
LANES_PER_SIDE = 3
ROAD_HALF_WIDTH = LANES_PER_SIDE * LANE_WIDTH
CAR_SCALE, WALKER_SCALE = 0.98, 0.95
_ACCELERATION = 40
_LEAVES_AT, _ENTERS_BEFORE = 560, -430
_WALKERS, _WALK_REACH = 11, 420
_SIDES = (-1, 1)


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One lane: where it is across the road, which way it goes, how fast one drives there."""

    offset: float
    direction: int
    speed: float


@dataclass(kw_only=True, eq=False)
class Car:
    """One moving vehicle."""

    class_id: int
    lane: int
    position: float
    speed: float
    wanted_speed: float
    sway: float
    look: Look

    @property
    def length(self) -> float:
        """Length of its class, as drivers judge it."""
        return LENGTH_WIDTH[self.class_id][0]


@dataclass(kw_only=True)
class Walker:
    """One person on a pavement, who turns around at its ends."""

    offset: float
    position: float
    direction: int
    speed: float
    phase: float
    look: Look
    class_id: int = PERSON


class Traffic:
    """All that moves in the clip; `step` moves it on by one frame.

    The order of the random draws is part of the clip: the frames shipped depend on it.
    """

    def __init__(self, rng: np.random.Generator, fps: float) -> None:
        self._rng = rng
        self._seconds_per_frame = 1 / fps
        self.lanes = [
            Lane(
                offset=(row + 0.5) * LANE_WIDTH * side,
                direction=-side,
                speed=(150 - 25 * row) * rng.uniform(0.9, 1.1),
            )
            for row in range(LANES_PER_SIDE)
            for side in _SIDES
        ]
        self.cars: list[Car] = []
        for lane in range(len(self.lanes)):
            position = -520 + rng.uniform(0, 90)
            while position < 900:
                car = self._new_car(lane, position)
                self.cars.append(car)
                position += car.length + rng.uniform(34, 150)
        self.walkers = [self._new_walker() for _ in range(_WALKERS)]

    def step(self) -> None:
        """Move everything on by one frame."""
        for lane in range(len(self.lanes)):
            self._step_lane(lane)
        for walker in self.walkers:
            distance = walker.speed * self._seconds_per_frame
            walker.position += walker.direction * distance
            walker.phase += distance * 0.28
            if abs(walker.position) > _WALK_REACH:
                walker.direction *= -1

    def _step_lane(self, lane: int) -> None:
        row = sorted((car for car in self.cars if car.lane == lane), key=lambda car: -car.position)
        for leader, car in zip([None, *row[:-1]], row, strict=True):
            car.speed = max(0, car.speed + _acceleration(car, leader) * self._seconds_per_frame)
            car.position += car.speed * self._seconds_per_frame
        if row and row[0].position > _LEAVES_AT:
            self.cars.remove(row[0])
        last_position = row[-1].position if row else 0
        if last_position > _ENTERS_BEFORE:
            self.cars.append(self._new_car(lane, min(last_position - 170, -480)))

    def _new_car(self, lane: int, position: float) -> Car:
        rng, speed = self._rng, self.lanes[lane].speed
        class_id = int(rng.choice([CAR, TRUCK, BUS, MOTORCYCLE], p=[0.62, 0.13, 0.10, 0.15]))
        return Car(
            class_id=class_id,
            lane=lane,
            position=position,
            speed=speed * rng.uniform(0.8, 1.1),
            wanted_speed=speed * rng.uniform(0.75, 1.2),
            sway=rng.normal(0, 2),
            look=random_look(rng),
        )

    def _new_walker(self) -> Walker:
        rng = self._rng
        return Walker(
            offset=(ROAD_HALF_WIDTH + 12 + rng.uniform(-6, 6)) * rng.choice(_SIDES),
            position=rng.uniform(-400, 400),
            direction=rng.choice(_SIDES),
            speed=rng.uniform(20, 38),
            phase=rng.uniform(0, 6),
            look=random_look(rng),
        )


def _acceleration(car: Car, leader: Car | None) -> float:
    """Return the intelligent driver model's acceleration: the free road, less the gap's brake."""
    acceleration = _ACCELERATION * (1 - (car.speed / car.wanted_speed) ** 4)
    if leader is None:
        return acceleration
    gap = max(leader.position - car.position - (leader.length + car.length) / 2, 1)
    wanted_gap = 14 + 0.5 * car.speed + car.speed * (car.speed - leader.speed) / 90
    return acceleration - _ACCELERATION * (max(wanted_gap, 0) / gap) ** 2
