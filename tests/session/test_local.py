"""The session in this process with real parts: what it writes into files."""

from pathlib import Path

from PIL import Image

from rfviewer.compose import local_session
from rfviewer.config import EngineConfig, Playback, Settings, View


def test_files_tell_the_settings_in_use_and_not_those_of_the_start(tmp_path: Path) -> None:
    session = local_session(Settings(engine=EngineConfig(model="none")))
    session.open("synthetic:64x48@25,frames=3", Playback(paused=True))
    session.wait(lambda s: s.frame_index == 0, 60)
    session.set_view(View(threshold=0.25))
    path = tmp_path / "shot.png"
    session.screenshot(path, "raw")
    session.close()
    with Image.open(path) as image:
        assert image.info["threshold"] == "0.25"
        assert "--threshold 0.25" in image.info["command"]
        assert image.info["frame"].startswith("0 at")
