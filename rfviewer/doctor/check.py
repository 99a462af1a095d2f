"""One line of the doctor."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    """Works, but something useful is not there or not safe."""
    MISSING = "missing"
    """The viewer cannot run without it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor."""

    name: str
    status: Status
    detail: str
    """What was found."""
    fix: str = ""
    """What to do; empty when nothing is needed."""
