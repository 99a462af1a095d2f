"""The picture that a fake session shows: a street where colored blobs move."""

import numpy as np

from rfviewer.config import View

WIDTH, HEIGHT = 640, 360
COLORS = {1: (230, 159, 0), 3: (86, 180, 233), 4: (0, 158, 115), 6: (240, 228, 66), 8: (213, 94, 0)}


def synthetic(index: int, view: View) -> np.ndarray:
    """A street-like gradient with coloured blobs that move; BGRA (HEIGHT, WIDTH, 4)."""
    y = np.linspace(0, 1, HEIGHT)[:, None]
    image = np.empty((HEIGHT, WIDTH, 4), np.uint8)
    image[..., :3] = (np.array([150, 140, 128]) * (0.45 + 0.4 * y)[..., None]).astype(np.uint8)
    image[150:310, :, :3] = (66, 62, 60)
    image[228:231, (np.arange(WIDTH) + index * 2) % 60 < 30, :3] = 190
    image[..., 3] = 255
    for n, (class_id, color) in enumerate(COLORS.items()):
        if class_id in view.hidden_class_ids:
            continue
        cx = (60 + 130 * n + index * (2 + n)) % (WIDTH - 100) + 50
        cy = 180 + 22 * n
        part = image[cy - 24 : cy + 25, cx - 48 : cx + 49, :3]
        yy, xx = np.mgrid[-24:25, -48:49]
        blob = (xx / 46) ** 2 + (yy / 22) ** 2 < 1
        paint = np.array(color[::-1])
        part[blob] = (90, 90, 96)
        if view.masks:
            part[blob] = ((1 - view.opacity) * part[blob] + view.opacity * paint).astype(np.uint8)
        if view.boxes:
            part[[0, -1]] = paint
            part[:, [0, -1]] = paint
    return image
