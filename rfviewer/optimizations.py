"""The speed-ups: one field per technique, off meaning the plain reference op.

The window's rack, the command line, the docs table and the tests are made from these fields and
from what `toggle_texts.py` says of each.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from rfviewer.errors import UsageError
from rfviewer.suggestions import closest
from rfviewer.toggle import Toggle
from rfviewer.toggle_texts import TOGGLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizations:
    """The techniques requested, in display order; off always means the plain reference op."""

    cuda_graph: bool = True
    early_warmup: bool = True
    depth: int = 2
    fused_preprocess: bool = True
    fused_constants: bool = True
    planar_stores: bool = True
    table_cache: bool = True
    pinned_input: bool = True
    needed_rows: bool = True
    device_frames: bool = True
    zero_copy_input: bool = True
    zero_copy_output: bool = True
    event_waits: bool = True
    early_relaunch: bool = True
    kernel_timestamps: bool = True
    fused_select: bool = True
    float_boxes: bool = True
    limit_masks: bool = True
    roi_masks: bool = True
    tuned_masks: bool = True
    packed_masks: bool = True
    fixed_copy: bool = True
    pinned_output: bool = True
    direct_detections: bool = True
    device_overlay: bool = True
    roi_render: bool = True
    fused_network: bool = True
    dependent_launch: bool = True
    micro_batch: int = 1

    def __post_init__(self) -> None:
        """Reject values that a toggle does not offer."""
        for spec in fields(self):
            value = getattr(self, spec.name)
            choices = toggle_of(spec.name).choices
            if choices and value not in choices:
                allowed = ", ".join(map(str, choices))
                raise UsageError(f"{spec.name} must be one of {allowed}, got {value}.")

    def set(self, name: str, value: str | bool | int) -> "Optimizations":
        """Return a copy with `name` set; text such as "on", "off" or "3" is understood.

        Raises:
            UsageError: for an unknown name or a value the toggle does not take.
        """
        if name not in {spec.name for spec in fields(self)}:
            near = closest(name, toggle_names())
            if near:
                raise UsageError(f"There is no optimization {name}; did you mean {near}?")
            known = ", ".join(toggle_names())
            raise UsageError(f"There is no optimization {name}; known are {known}.")
        changed: dict[str, Any] = {name: parse_value(name, value)}
        return replace(self, **changed)

    @classmethod
    def baseline(cls) -> "Optimizations":
        """Return everything off: the reference path, one frame at a time."""
        return cls(
            **{
                spec.name: off_value(spec.name)  # type: ignore[arg-type]
                for spec in fields(cls)
            }
        )

    def describe_changes(self) -> str:
        """Return the fields that differ from the default as "name=value,name=value"."""
        default = Optimizations()
        return ",".join(
            f"{spec.name}={format_value(getattr(self, spec.name))}"
            for spec in fields(self)
            if getattr(self, spec.name) != getattr(default, spec.name)
        )


def toggle_of(name: str) -> Toggle:
    """Return the description of the field `name` of `Optimizations`."""
    return TOGGLES[name]


def off_value(name: str) -> bool | int:
    """Return what the field `name` is when it is off: the smallest number, or False."""
    return (toggle_of(name).choices or (False,))[0]


def on_value(name: str) -> bool | int:
    """Return what the field `name` is when it is on: its default, or the next number above off."""
    choices = toggle_of(name).choices
    return max(choices[1], getattr(Optimizations(), name)) if choices else True


def toggle_names() -> tuple[str, ...]:
    """Return the fields of `Optimizations` in display order."""
    return tuple(spec.name for spec in fields(Optimizations))


_WORDS = {"on": True, "true": True, "yes": True, "1": True}
_WORDS |= {"off": False, "false": False, "no": False, "0": False}


def parse_value(name: str, value: str | bool | int) -> bool | int:
    """Return `value` as the type that the optimization `name` takes.

    Raises:
        UsageError: when it cannot be understood.
    """
    if toggle_of(name).choices:
        try:
            return int(value)
        except ValueError:
            raise UsageError(f"{name} takes a number, got {value}.") from None
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in _WORDS:
        raise UsageError(f"{name} takes on or off, got {value}.")
    return _WORDS[word]


def format_value(value: bool | int) -> str:
    """Return "on", "off" or the number, as `parse_value` understands it."""
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
