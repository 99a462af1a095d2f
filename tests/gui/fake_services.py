"""What the composition root would inject, without touching anything outside one folder."""

from pathlib import Path

from rfviewer.gui.services import WindowServices
from tests.gui.fake_picture import COLORS


def fake_services(folder: Path, **changes) -> WindowServices:
    """Services that touch nothing outside `folder` and run background jobs at once."""

    def start_thread(_name, target):
        target()

    def write_png(path, image, _metadata):
        from PIL import Image

        Image.fromarray(image[:, :, [2, 1, 0]]).save(path)

    values = {
        "list_cameras": lambda: [("Integrated Camera", "camera:0"), ("USB & Video", "camera:1")],
        "list_models": lambda: [("demo", "the shipped demo model"), ("seg-nano", "RF-DETR Nano")],
        "write_png": write_png,
        "color_of": lambda _view, class_id, _rank: COLORS.get(class_id, (120, 120, 120)),
        "free_path": lambda path: path,
        "start_thread": start_thread,
        "command_for": lambda _settings, source: f"rfviewer {source or ''}".strip(),
        "default_pictures_dir": folder,
        "default_videos_dir": folder,
        "log_dir": folder,
        "version": "0.1.0",
        "demo_clips": (("Street scene", "/videos/street.mp4"),),
    }
    return WindowServices(**{**values, **changes})
