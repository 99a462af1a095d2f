"""What an engine was built from and for: whatever can make it wrong is part of its key."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Self

SCHEMA = 1
"""Version of the fp16 cast, the build options and the side file; raise it when one changes."""

ANY = "any"
"""Name and driver of an engine that was built for a GPU generation, not for one GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuIdentity:
    """The GPU that an engine is for."""

    name: str
    """As the driver calls it; `ANY` when built ahead of time."""
    sm: str
    """GPU generation as "sm89", the CUDA compute capability without its dot."""
    driver: str
    """Version of the driver; `ANY` when built ahead of time."""

    @classmethod
    def of_generation(cls, sm: str) -> Self:
        """Return the identity of an engine built ahead of time for a whole generation."""
        return cls(name=ANY, sm=sm, driver=ANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanKey:
    """Identity of an engine on disk. Two engines with the same key are interchangeable."""

    model_sha256: str
    """Of the graph with all its weights."""
    backend: str
    """As in `config.BACKEND_NAMES`."""
    backend_version: str
    """Version of TensorRT: an engine fits the one that built it."""
    gpu: GpuIdentity
    precision: str
    """Of the matrix products, e.g. "fp16"."""
    input_wh: tuple[int, int]
    """Network input width and height; the batch is 1."""
    schema: int = SCHEMA

    @property
    def digest(self) -> str:
        """Folder name of the engine."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def ahead_of_time(self) -> "PlanKey":
        """Return the key that the same engine has when built for a generation of GPUs."""
        return replace(self, gpu=GpuIdentity.of_generation(self.gpu.sm))

    def facts(self) -> dict[str, str]:
        """Return every part as words and value, the most telling first."""
        return {
            "the model": self.model_sha256[:12],
            "the TensorRT version": self.backend_version,
            "the GPU": f"{self.gpu.name} ({self.gpu.sm})",
            "the driver": self.gpu.driver,
            "the precision": self.precision,
            "the input size": "x".join(map(str, self.input_wh)),
            "the engine format": str(self.schema),
        }


def rebuild_reason(wanted: PlanKey, existing: Iterable[PlanKey]) -> str:
    """Return why none of the `existing` engines of this model and backend serves, for the log.

    The closest one is compared: the one with the fewest differences.
    """
    facts = wanted.facts()
    candidates = [
        {name: old for name, old in key.facts().items() if old != facts[name]}
        for key in existing
        if key.backend == wanted.backend
    ]
    if not candidates:
        return "there was none for this model yet"
    closest = min(candidates, key=len)
    changes = [f"{name} changed from {old} to {facts[name]}" for name, old in closest.items()]
    return ", ".join(changes) or "the engine was removed"


def key_from_json(values: dict[str, object]) -> PlanKey:
    """Build a key from what `asdict` made of one.

    Raises:
        TypeError, ValueError, KeyError: it is none.
    """
    parts = dict(values)
    gpu, size = parts.pop("gpu"), parts.pop("input_wh")
    if not isinstance(gpu, dict) or not isinstance(size, list) or len(size) != 2:
        raise ValueError("a part is of the wrong kind")
    known = {spec.name for spec in fields(PlanKey)} - {"gpu", "input_wh", "schema"}
    if any(not isinstance(parts.get(name), str) for name in known):
        raise ValueError("a part is not text")
    width, height = (int(side) for side in size)
    identity = GpuIdentity(**{name: str(value) for name, value in gpu.items()})
    return PlanKey(gpu=identity, input_wh=(width, height), **parts)  # type: ignore[arg-type]
