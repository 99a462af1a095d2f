"""What can be set: view, playback, engine. Frozen values, compared by equality.

The only reader of the environment and of the user's config file.
"""

import math
import os
import tomllib
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from rfviewer.decode import Decode
from rfviewer.errors import UsageError
from rfviewer.optimizations import Optimizations, parse_value


class ResizeMode(StrEnum):
    """How a frame becomes the network input: a choice of meaning, not of speed."""

    A = "A"
    """No antialiasing, as RFDETR.predict() of rfdetr 1.11.2."""
    B = "B"
    """Pillow bilinear with antialiasing, as in training and in Roboflow inference."""


type BackendName = Literal["auto", "onnxruntime", "torch", "tensorrt", "tensorrt-rtx"]
BACKEND_NAMES: tuple[str, ...] = get_args(BackendName.__value__)
MAX_THREADS = 1024
"""More is a slip of the hand: ONNX Runtime would start them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Which network runs where. A change loads a new engine."""

    model: str = "demo"
    """Name in the model registry, or a path to .onnx or .pth."""
    backend: str = "auto"
    """One of `BACKEND_NAMES`."""
    precision: Literal["auto", "fp32", "tf32", "fp16", "bf16"] = "auto"
    """Requested precision; the one in effect is read back from the engine. Only the backend torch
    has all of them; the others refuse what they cannot give."""
    resize: ResizeMode = ResizeMode.A
    """Preprocess mode."""
    threads: int = 0
    """Host threads of the CPU backend; 0 lets it choose."""
    cuda: bool = True
    """Whether ONNX Runtime may use a GPU, where its package is for one; safe mode says no."""
    nvtx: bool = False
    """Mark what the engine thread does for NVIDIA's profilers."""

    def __post_init__(self) -> None:
        """Reject an unknown backend, and a number of threads that is none."""
        if self.backend not in BACKEND_NAMES:
            known = ", ".join(BACKEND_NAMES)
            raise UsageError(f"There is no backend {self.backend!r}; known are {known}.")
        if not 0 <= self.threads <= MAX_THREADS:
            raise UsageError(f"threads must lie between 0 and {MAX_THREADS}, got {self.threads}.")


PRECISIONS: tuple[str, ...] = get_args(EngineConfig.__annotations__["precision"])


class ColorBy(StrEnum):
    """What decides the colour of an object."""

    CLASS = "class"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown and saved. Acts from the next drawn frame on, also while paused."""

    threshold: float = 0.5
    """Detections with `score > threshold` are kept."""
    hidden_class_ids: frozenset[int] = frozenset()
    """Classes neither shown nor saved."""
    masks: bool = True
    """Fill masks."""
    outlines: bool = True
    """Draw an antialiased line around each mask."""
    boxes: bool = True
    """Draw boxes."""
    labels: bool = True
    """Draw class name and score."""
    opacity: float = 0.45
    """Opacity of mask fill, 0..1."""
    color_by: ColorBy = ColorBy.CLASS
    """Colour per class or per instance."""
    split: float | None = None
    """Share of the width, 0..1, left of which the detections of the parity watch's reference are
    drawn, on the same frame; None draws no comparison."""

    def __post_init__(self) -> None:
        """Reject numbers outside 0..1."""
        for name in ("threshold", "opacity", "split"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise UsageError(f"{name} must lie between 0 and 1, got {value}.")


class Policy(StrEnum):
    """What happens when the engine is slower than the source."""

    EVERY_FRAME = "every-frame"
    """The source waits: every frame gets its own masks."""
    KEEP_PACE = "keep-pace"
    """The source plays on: the newest masks are drawn on the current frame, with their age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """How a source is played."""

    policy: Policy | None = None
    """None chooses by the source kind and the engine's speed."""
    rate: float | None = 1.0
    """Speed relative to the timestamps; None plays as fast as possible."""
    loop: bool = False
    """Start over at the end."""
    start_s: float = 0.0
    """Where to start, in seconds."""
    end_s: float | None = None
    """Where to end, in seconds, exclusive; None plays to the end of the source."""
    max_frames: int | None = None
    """Stop after that many frames; None plays to the end."""
    paused: bool = False
    """Open paused at the first frame."""
    decode: Decode = Decode.AUTO
    """What decodes. A file goes on with the next frame when it changes; a live source when it is
    opened again."""
    reconnect_s: float | None = None
    """How long to try to reach a live source that broke off; None tries until told to stop. With
    a limit, a source that ends by itself is at its end."""

    def __post_init__(self) -> None:
        """Reject speeds and positions that mean nothing."""
        if self.rate is not None and not 0.0 < self.rate <= 100.0:
            raise UsageError(f"The speed must lie between 0 and 100, got {self.rate}.")
        if self.start_s < 0:
            raise UsageError(f"The start must not be negative, got {self.start_s}.")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise UsageError(f"The end {self.end_s} s must lie after the start {self.start_s} s.")
        if self.max_frames is not None and self.max_frames < 1:
            raise UsageError(f"The number of frames must be positive, got {self.max_frames}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a session starts with."""

    engine: EngineConfig = field(default_factory=EngineConfig)
    optimizations: Optimizations = field(default_factory=Optimizations)
    view: View = field(default_factory=View)
    playback: Playback = field(default_factory=Playback)


def read_user_config(path: Path) -> dict[str, Any]:
    """Return the tables of the user's config.toml; empty when there is none.

    Raises:
        UsageError: when the file is not valid TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # the latter: HOME=/dev/null, as for services
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(
            f"The settings file {path} cannot be read ({error}); mend or remove it."
        ) from error


def settings_from(table: dict[str, Any], origin: str) -> Settings:
    """Build settings from the tables of a config file, named as the fields of `Settings`.

    Raises:
        UsageError: for an unknown table or key, or a wrong value; names file and table.
    """
    parts: dict[str, Any] = {
        "engine": EngineConfig,
        "optimizations": Optimizations,
        "view": View,
        "playback": Playback,
    }
    values: dict[str, Any] = {}
    for name, content in table.items():
        if name not in parts or not isinstance(content, dict):
            known = ", ".join(parts)
            raise UsageError(f"{origin} has an unknown part {name!r}; known are {known}.")
        known_keys = {spec.name: spec for spec in fields(parts[name])}
        for key in content:
            if key not in known_keys:
                raise UsageError(f"{origin} has an unknown setting {name}.{key!r}.")
        kind = parts[name]
        hints = get_type_hints(kind)
        try:
            values[name] = kind(
                **{key: _coerced(hints[key], key, value) for key, value in content.items()}
            )
        except UsageError as error:
            raise UsageError(f"{origin}, {name}: {error}") from error
    return Settings(**values)


def _coerced(hint: Any, key: str, value: Any) -> Any:  # noqa: ANN401 - TOML values
    """Return a TOML value as `hint` asks; a file is typed by hand or comes from elsewhere."""
    if key in Optimizations.__dataclass_fields__:
        if not isinstance(value, bool | int | str):
            raise UsageError(f"{key} takes on, off or a number, got {value!r}.")
        return parse_value(key, value)
    for kind in get_args(hint) if isinstance(hint, UnionType) else (hint,):
        matches, result = _as_kind(kind, value)
        if matches:
            return result
    raise UsageError(f"{key} cannot be {value!r}.")


def _as_kind(kind: Any, value: Any) -> tuple[bool, Any]:  # noqa: ANN401 - TOML values
    """Return whether `value` is of `kind`, and the value as that kind."""
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind), value
    if origin is frozenset:
        whole = isinstance(value, list) and all(type(item) is int for item in value)
        return whole, frozenset(value) if whole else None
    if kind is float:
        finite = type(value) in (int, float) and math.isfinite(value)
        return finite, float(value) if finite else None
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        known = isinstance(value, str) and value in set(kind)
        return known, kind(value) if known else None
    return type(value) is kind, value


def cpu_threads_limit() -> int | None:
    """Return RFVIEWER_THREADS as a number; None when it is not set, or empty.

    Raises:
        UsageError: it is no number of threads.
    """
    text = os.environ.get("RFVIEWER_THREADS")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_THREADS):
        raise UsageError(
            f"The environment variable RFVIEWER_THREADS must lie between 1 and {MAX_THREADS},"
            f" got {text}."
        )
    return int(text)


def clean_qt_environment() -> None:
    """Forget Qt plugin paths that another package left for child processes and our own Qt.

    WORKAROUND: OpenCV's non-headless wheels point Qt at their own plugins when imported
    (opencv-python issue 736).
    """
    for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        if "cv2" in os.environ.get(name, ""):
            del os.environ[name]


def use_desktop_dialogs() -> None:
    """Let Qt show the file dialogs of desktops that its packages hold no theme for, by the portal.

    They hold those of GTK and of the portal; on KDE and LXQt Qt would show dialogs of its own, as
    it still does where no portal answers. A theme that the user chose stays.
    """
    desktops = os.environ.get("XDG_CURRENT_DESKTOP", "").upper().split(":")
    if {"KDE", "LXQT"} & {*desktops}:
        os.environ.setdefault("QT_QPA_PLATFORMTHEME", "xdgdesktopportal")


def forbid_hub_downloads() -> None:
    """Keep packages of this process from fetching models: building a network needs none."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def forbid_telemetry() -> None:
    """Keep ONNX Runtime from reporting to its maker, unless the user has decided about that."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def keep_compiled_kernels(folder: Path) -> None:
    """Let Triton keep its kernels in `folder`, unless the user named another one."""
    os.environ.setdefault("TRITON_CACHE_DIR", str(folder))


def display_name() -> str:
    """Return where a Linux window would appear, e.g. "wayland-0 (Wayland)"; empty for nowhere."""
    for name, kind in (("WAYLAND_DISPLAY", "Wayland"), ("DISPLAY", "X11")):
        if os.environ.get(name):
            return f"{os.environ[name]} ({kind})"
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    return f"{platform} (QT_QPA_PLATFORM)" if platform else ""


def qt_platform() -> str:
    """Return the Qt platform that the user chose by QT_QPA_PLATFORM; empty for Qt's own choice."""
    return os.environ.get("QT_QPA_PLATFORM", "")


def require_cuda() -> bool:
    """Return whether tests must fail instead of skip without a GPU (RFVIEWER_REQUIRE_CUDA=1)."""
    return os.environ.get("RFVIEWER_REQUIRE_CUDA") == "1"
