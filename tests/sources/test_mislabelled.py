"""Containers whose presentation times are wrong in a way of their own."""

import shutil

import pytest

from rfviewer.sources.factory import open_source
from tests.sources.makers import ffmpeg, make_clip, numbers, read_all


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program")
def test_mxf_with_decoding_times_has_no_damage(tmp_path):
    """FFmpeg reads such files with pts = dts although there are B-frames."""
    clip = make_clip(tmp_path / "a.mp4", count=24, options={"bf": "2"})
    ffmpeg("-i", clip, "-c:v", "libx264", "-bf", "2", "-r", "25", tmp_path / "a.mxf")
    source = open_source(str(tmp_path / "a.mxf"))
    frames = read_all(source)
    damaged = source.damaged
    source.close()
    assert numbers(frames) == list(range(24))
    assert damaged == 0
