"""The formulas of the reference, written once more and as plainly as possible, for the tests."""

import math

import numpy as np

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def taps(n_in, n_out):
    """Return (i0, i1, l) per output index, one by one, the fma done in exact arithmetic."""
    result = []
    for index in range(n_out):
        ratio = np.float32(n_in) / np.float32(n_out)
        x = max(np.float32(float(ratio) * (index + 0.5) - 0.5), np.float32(0))
        low = math.floor(x)
        result.append((low, min(low + 1, n_in - 1), np.float32(x - np.float32(low))))
    return result


def bilinear(plane, width, height):
    """Return `plane` (h, w) f32 resized to (height, width), every operation in fp32."""
    one = np.float32(1)
    columns, rows = taps(plane.shape[1], width), taps(plane.shape[0], height)
    x0, x1 = (np.array([c[i] for c in columns]) for i in (0, 1))
    lx = np.array([c[2] for c in columns], np.float32)
    out = np.empty((height, width), np.float32)
    for y, (y0, y1, ly) in enumerate(rows):
        upper = (one - lx) * plane[y0, x0] + lx * plane[y0, x1]
        lower = (one - lx) * plane[y1, x0] + lx * plane[y1, x1]
        out[y] = (one - ly) * upper + ly * lower
    return out


def preprocess_a(image_bgr, width, height):
    """Return mode A's network input, (3, height, width)."""
    planes = [
        (bilinear(image_bgr[:, :, 2 - c].astype(np.float32) / np.float32(255), width, height))
        for c in range(3)
    ]
    return np.stack([(plane - MEAN[c]) / STD[c] for c, plane in enumerate(planes)])
