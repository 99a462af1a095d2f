"""The speed-ups: one field per technique, off meaning the plain reference op.

The window's rack, the command line, the docs table and the tests are made from these fields.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from rfviewer.errors import UsageError
from rfviewer.timing import Stage
from rfviewer.toggle import Exactness, Toggle


def _toggle(default: bool | int, toggle: Toggle) -> Any:  # noqa: ANN401 - field() is typed as its default
    return field(default=default, metadata={"toggle": toggle})


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizations:
    """The techniques requested; off always means the plain reference op.

    The window's rack, the command line, the docs table and the tests are made from these fields.
    """

    cuda_graph: bool = _toggle(
        True,
        Toggle(
            "CUDA graph",
            "one launch per frame instead of hundreds",
            "every kernel is launched from the host",
            "the whole slot is replayed as one captured graph",
            Stage.INFER,
            needs_rebuild=True,
        ),
    )
    early_warmup: bool = _toggle(
        True,
        Toggle(
            "Warm-up at start",
            "the first frame does not wait for kernels to load",
            "kernels load and graphs are captured with the first frame",
            "kernels load and graphs are captured before the first frame",
            Stage.INFER,
        ),
    )
    depth: int = _toggle(
        2,
        Toggle(
            "Frames in flight",
            "the next frame starts before this one is done",
            "one frame at a time",
            "that many slots overlap",
            Stage.INFER,
            choices=(1, 2, 3, 4),
            needs_rebuild=True,
        ),
    )
    fused_preprocess: bool = _toggle(
        True,
        Toggle(
            "Fused preprocess",
            "one pass over the frame instead of five",
            "separate cast, scale, resize and normalise",
            "one kernel writes the network input",
            Stage.PREPROCESS,
            Exactness.ROUNDING,
        ),
    )
    fused_constants: bool = _toggle(
        True,
        Toggle(
            "Fused constants",
            "no passes for mean and deviation",
            "scale, subtract the mean, divide by the deviation, one after the other",
            "one multiply-add with constants made of all three",
            Stage.PREPROCESS,
            Exactness.ROUNDING,
        ),
    )
    planar_stores: bool = _toggle(
        True,
        Toggle(
            "Planar stores",
            "no rearranging of the network input",
            "stored pixel by pixel, then rearranged into planes",
            "each channel is stored where the network reads it",
            Stage.PREPROCESS,
        ),
    )
    table_cache: bool = _toggle(
        True,
        Toggle(
            "Cached resize tables",
            "no resampling weights computed per frame",
            "tables are rebuilt for every frame",
            "tables are kept per frame size",
            Stage.PREPROCESS,
        ),
    )
    pinned_input: bool = _toggle(
        True,
        Toggle(
            "Pinned input",
            "the copy to the GPU runs beside other work",
            "pageable copy that blocks the host",
            "asynchronous copy from page-locked memory",
            Stage.H2D,
        ),
    )
    zero_copy_input: bool = _toggle(
        True,
        Toggle(
            "Write into network input",
            "saves a copy of the network input",
            "device copy into the network's buffer",
            "preprocess writes the network's buffer",
            Stage.PREPROCESS,
        ),
    )
    zero_copy_output: bool = _toggle(
        True,
        Toggle(
            "Read raw outputs in place",
            "saves a copy of all raw outputs",
            "raw outputs are cloned first",
            "postprocess reads them where they are",
            Stage.POSTPROCESS,
        ),
    )
    event_waits: bool = _toggle(
        True,
        Toggle(
            "Event waits",
            "the host does not stop between stages",
            "the host waits after every stage",
            "streams wait on events, the host once",
            Stage.INFER,
        ),
    )
    fused_select: bool = _toggle(
        True,
        Toggle(
            "Fused select and decode",
            "no full sort of all scores",
            "sigmoid, full sort, gather, decode as separate ops",
            "threshold first, then sort the survivors",
            Stage.POSTPROCESS,
        ),
    )
    float_boxes: bool = _toggle(
        True,
        Toggle(
            "Unrounded boxes",
            "no rounding pass, and no precision lost before drawing",
            "boxes are rounded to whole pixels, halves to even",
            "boxes stay fractions; whoever needs pixels rounds",
            Stage.POSTPROCESS,
            Exactness.ROUNDING,
        ),
    )
    limit_masks: bool = _toggle(
        True,
        Toggle(
            "Resize only survivors",
            "masks nobody sees are not computed",
            "all selected queries are resized, then filtered",
            "only rows above the threshold are resized",
            Stage.POSTPROCESS,
        ),
    )
    roi_masks: bool = _toggle(
        True,
        Toggle(
            "Resize only the region",
            "a small object costs its own area, not the frame's",
            "every mask is resized to the whole frame",
            "only where its logits can be positive",
            Stage.POSTPROCESS,
        ),
    )
    tuned_masks: bool = _toggle(
        True,
        Toggle(
            "Tuned mask tiles",
            "tiles that fit the regions keep more of the GPU busy",
            "runs of 1024 pixels of one row, four warps",
            "two-dimensional tiles and two warps, as measured",
            Stage.POSTPROCESS,
        ),
    )
    packed_masks: bool = _toggle(
        True,
        Toggle(
            "Bit-packed masks",
            "an eighth of the memory and of the copy",
            "one byte per pixel",
            "one bit per pixel, unpacked where needed",
            Stage.D2H,
        ),
    )
    fixed_copy: bool = _toggle(
        True,
        Toggle(
            "Fixed-size result copy",
            "no wait to learn how many objects there are",
            "read the count, then copy exact slices",
            "copy one small fixed table",
            Stage.D2H,
        ),
    )
    pinned_output: bool = _toggle(
        True,
        Toggle(
            "Pinned output",
            "results arrive without blocking the host",
            "pageable copy that blocks the host",
            "asynchronous copy into page-locked memory",
            Stage.D2H,
        ),
    )
    direct_detections: bool = _toggle(
        True,
        Toggle(
            "Direct detections",
            "no Python object per detection",
            "one dictionary per object, as a web service answers, and back to arrays",
            "arrays straight from the result table",
            Stage.POSTPROCESS,
        ),
    )
    device_overlay: bool = _toggle(
        True,
        Toggle(
            "Overlay on the device",
            "masks are drawn where they are",
            "masks are drawn on the host",
            "a kernel draws them before the copy, unless instances have colours of their own",
            Stage.RENDER,
        ),
    )
    roi_render: bool = _toggle(
        True,
        Toggle(
            "Draw only the region",
            "blending touches the object, not the frame",
            "every mask is blended over the whole frame",
            "every mask is blended inside its region",
            Stage.RENDER,
        ),
    )

    fused_network: bool = _toggle(
        True,
        Toggle(
            "Fused network",
            "half the launches, and what lies between two products never leaves the chip",
            "the network as traced by PyTorch",
            "written out: products with what follows them, masks beside the decoder",
            Stage.INFER,
            Exactness.TOLERANCE,
            needs_rebuild=True,
        ),
    )

    micro_batch: int = _toggle(
        1,
        Toggle(
            "Micro-batch",
            "a large GPU takes several frames in little more time than one; for files, where"
            " latency does not matter",
            "every frame has a pass of its own",
            "that many frames share one pass of the network",
            Stage.INFER,
            Exactness.TOLERANCE,
            choices=(1, 2, 4, 8),
            needs_rebuild=True,
        ),
    )

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
            known = ", ".join(spec.name for spec in fields(self))
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
            f"{spec.name}={_format_value(getattr(self, spec.name))}"
            for spec in fields(self)
            if getattr(self, spec.name) != getattr(default, spec.name)
        )


def toggle_of(name: str) -> Toggle:
    """Return the description of the field `name` of `Optimizations`."""
    toggle: Toggle = Optimizations.__dataclass_fields__[name].metadata["toggle"]
    return toggle


def off_value(name: str) -> bool | int:
    """Return what the field `name` is when it is off: the smallest number, or False."""
    return (toggle_of(name).choices or (False,))[0]


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


def _format_value(value: bool | int) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
