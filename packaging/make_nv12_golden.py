"""Make tests/golden/nv12.npz: what swscale makes of YUV pictures, for kernels that take NV12.

    PYTHONPATH=. python packaging/make_nv12_golden.py

Noise in all levels, also those outside the limited range, through the sources' own converter.
"""

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from rfviewer.frame import U8Array
from rfviewer.sources.colors import FrameConverter

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "nv12.npz"
HEIGHT, WIDTH = 32, 48
KINDS = {
    "bt601": (Colorspace.ITU601, ColorRange.MPEG),
    "bt709": (Colorspace.ITU709, ColorRange.MPEG),
    "bt601_full": (Colorspace.ITU601, ColorRange.JPEG),
    "bt709_full": (Colorspace.ITU709, ColorRange.JPEG),
}


def noise() -> U8Array:
    """Return an NV12 picture, (H * 3 / 2, W)."""
    return np.random.default_rng(0).integers(0, 256, (HEIGHT * 3 // 2, WIDTH), np.uint8)


def converted(nv12: U8Array, colorspace: Colorspace, color_range: ColorRange) -> U8Array:
    """Return `nv12` as the sources give it, (H, W, 3) BGR."""
    luma, chroma = nv12[:HEIGHT], nv12[HEIGHT:].reshape(-1, 2)
    planar = np.concatenate([luma.ravel(), chroma[:, 0], chroma[:, 1]])
    frame = av.VideoFrame.from_ndarray(planar.reshape(nv12.shape), "yuv420p")
    frame.colorspace, frame.color_range = int(colorspace), int(color_range)
    return FrameConverter().convert(frame)


def main() -> None:
    """Write the file."""
    nv12 = noise()
    images = {name: converted(nv12, *kind) for name, kind in KINDS.items()}
    np.savez_compressed(GOLDEN, nv12=nv12, **images)


if __name__ == "__main__":
    main()
