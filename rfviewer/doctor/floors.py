"""Library versions with known flaws, and the first ones without.

Looks at metadata only; nothing is imported but PyAV, whose FFmpeg tells its version itself.
"""

import importlib.metadata
import re
from dataclasses import dataclass

from rfviewer.doctor.check import Check, Status


@dataclass(frozen=True, slots=True)
class Floor:
    """The first good version of a package."""

    package: str
    version: str
    why: str


FLOORS = (
    Floor("torch", "2.10", "loading weights may corrupt memory (CVE-2026-24747)"),
    Floor("onnx", "1.21", "external data may change attributes of a model (CVE-2026-34445)"),
    Floor("pillow", "10.0.1", "its libwebp writes out of bounds (CVE-2023-4863)"),
    Floor("opencv-python", "4.8.1.78", "its libwebp writes out of bounds (CVE-2023-4863)"),
    Floor("opencv-python-headless", "4.8.1.78", "its libwebp writes out of bounds (CVE-2023-4863)"),
    Floor("rfdetr", "1.11.2", "older ones unpickle checkpoints (their pull request 1179)"),
)
_FFMPEG_FLOORS = {8: ((8, 1, 2), (8, 1, 3)), 9: ((9, 0, 0), (9, 0, 2))}
"""Major: first release without CVE-2026-8461 (MagicYUV), and without CVE-2026-125244 (VVC)."""


def libraries() -> Check:
    """Check every installed package against its floor."""
    old, found = [], 0
    for floor in FLOORS:
        version = installed(floor.package)
        if version is None:
            continue
        found += 1
        if _numbers(version) < _numbers(floor.version):
            old.append((floor, version))
    if not old:
        return Check("Known flaws", Status.OK, f"{found} libraries are new enough")
    detail = "; ".join(
        f"{floor.package} {version} is older than {floor.version}: {floor.why}"
        for floor, version in old
    )
    wanted = " ".join(f"'{floor.package}>={floor.version}'" for floor, _ in old)
    return Check("Known flaws", Status.WARN, detail, f"pip install -U {wanted}")


def ffmpeg_flaws() -> Check:
    """Check the FFmpeg that decodes for us; the codecs of its known holes are refused anyway."""
    import av

    text = av.ffmpeg_version_info
    flaws = known_ffmpeg_flaws(text)
    if flaws is None:
        detail = f"FFmpeg {text}: unknown version; flaws cannot be told"
        return Check("FFmpeg flaws", Status.WARN, detail, "pip install -U av")
    if flaws:
        detail = f"FFmpeg {text} has {' and '.join(flaws)}; these codecs are refused"
        return Check("FFmpeg flaws", Status.WARN, detail, "pip install -U av")
    return Check("FFmpeg flaws", Status.OK, f"FFmpeg {text} has none that we know")


def known_ffmpeg_flaws(version: str) -> list[str] | None:
    """Return the known flaws of an FFmpeg; None when its version means nothing to us."""
    if not re.match(r"n?\d+\.\d+", version):
        return None
    numbers = _numbers(version.removeprefix("n"))
    if numbers[0] > max(_FFMPEG_FLOORS):
        return []
    magic_yuv, vvc = _FFMPEG_FLOORS.get(numbers[0], ((8, 1, 2), (8, 1, 3)))
    flaws = []
    if numbers < magic_yuv:
        flaws.append("CVE-2026-8461 (MagicYUV)")
    if numbers < vvc:
        flaws.append("CVE-2026-125244 (VVC)")
    return flaws


def installed(package: str) -> str | None:
    """Return the installed version of a package; None when it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers, at least three: "9.1" is (9, 1, 0), "2.11.0+cu130" (2, 11, 0)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = tuple(int(part) for part in found[0].split(".")) if found else ()
    return numbers + (0,) * (3 - len(numbers))
