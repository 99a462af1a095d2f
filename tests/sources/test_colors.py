"""Colours are those of the ffmpeg program; what cannot be shown as it is, is said."""

import platform
from pathlib import Path

import av
import numpy as np
import pytest

from rfviewer.sources.colors import FrameConverter
from rfviewer.sources.factory import open_source
from tests.sources.makers import ffmpeg, ffmpeg_rgb, make_clip

H264 = ("-c:v", "libx264", "-crf", "12")
HEVC = ("-c:v", "libx265", "-x265-params", "log-level=none")
CASES = {
    "untagged.mp4": ((*H264, "-pix_fmt", "yuv420p"), ""),
    "bt709.mp4": (
        ("-vf", "scale=out_color_matrix=bt709", *H264, "-pix_fmt", "yuv420p", "-colorspace",
         "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        "",
    ),
    "bt601.mp4": ((*H264, "-pix_fmt", "yuv420p", "-colorspace", "smpte170m"), ""),
    "full_range.mp4": (
        ("-vf", "scale=out_range=full", *H264, "-pix_fmt", "yuvj420p", "-color_range", "pc"), "",
    ),
    "422.mp4": ((*H264, "-pix_fmt", "yuv422p"), ""),
    "444.mp4": ((*H264, "-pix_fmt", "yuv444p"), ""),
    "ten_bit.mp4": ((*H264, "-pix_fmt", "yuv420p10le"), "10-bit"),
    "gray.mp4": ((*H264, "-pix_fmt", "gray"), ""),
    "rgb.mkv": (("-c:v", "libx264rgb", "-pix_fmt", "rgb24"), ""),
    "opaque.mov": (("-c:v", "png", "-pix_fmt", "rgba"), ""),
    "alpha.mov": (
        ("-vf", "format=rgba,colorchannelmixer=aa=0.5", "-c:v", "png"), "transparency is ignored",
    ),
    "opaque.gif": (("-c:v", "gif"), ""),
    "pq.mp4": (
        (*HEVC, "-pix_fmt", "yuv420p10le", "-colorspace", "bt2020nc", "-color_primaries", "bt2020",
         "-color_trc", "smpte2084"),
        "HDR (PQ)",
    ),
    "hlg.mp4": (
        (*HEVC, "-pix_fmt", "yuv420p10le", "-colorspace", "bt2020nc", "-color_primaries", "bt2020",
         "-color_trc", "arib-std-b67"),
        "HDR (HLG)",
    ),
    "interlaced.mp4": (
        (*H264, "-pix_fmt", "yuv420p", "-flags", "+ilme+ildct", "-x264opts", "tff=1"),
        "interlaced",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [(320, 180), (1280, 720)], ids=["sd", "hd"])
def test_colors_are_those_of_ffmpeg(tmp_path, name, size):
    arguments, notice = CASES[name]
    width, height = size
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={width}x{height}:r=5:d=0.4", *arguments, path)
    source = open_source(str(path))
    frame = source.read()
    expected = ffmpeg_rgb(path, width, height, "-frames:v", "1")[0]
    difference = np.abs(frame.image[:, :, ::-1].astype(int) - expected)
    assert difference.mean() <= 3
    assert frame.image.flags.c_contiguous
    assert (notice in source.info.notice) if notice else (source.info.notice == "")
    source.close()


@pytest.mark.parametrize(
    ("codec", "pixels"), [("libx264", "yuv444p"), ("ffv1", "yuv420p"), ("libvpx-vp9", "yuv420p")]
)
@pytest.mark.parametrize("size", [(313, 177), (161, 97)])
def test_odd_sizes_keep_every_column(tmp_path, size, codec, pixels):
    path = make_clip(tmp_path / "odd.mkv", 2, size, codec, pixels)
    source = open_source(str(path))
    frame = source.read()
    assert (frame.width, frame.height) == (source.info.width, source.info.height) == size
    expected = ffmpeg_rgb(path, *size, "-frames:v", "1")[0]
    assert np.abs(frame.image[:, :, ::-1].astype(int) - expected).mean() <= 3
    assert np.abs(frame.image[:, -1, ::-1].astype(int) - expected[:, -1]).mean() <= 3
    source.close()


@pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="swscale rounds otherwise elsewhere"
)
@pytest.mark.parametrize(
    ("name", "colorspace", "color_range"),
    [("bt601", 5, 1), ("bt709", 1, 1), ("bt601_full", 5, 2), ("bt709_full", 1, 2)],
)
def test_the_reference_vector_of_the_kernels_is_what_sources_give(name, colorspace, color_range):
    with np.load(Path(__file__).parents[1] / "golden" / "nv12.npz") as arrays:
        nv12, wanted = arrays["nv12"], arrays[name]
    chroma = nv12[32:].reshape(-1, 2)
    planar = np.concatenate([nv12[:32].ravel(), chroma[:, 0], chroma[:, 1]]).reshape(nv12.shape)
    frame = av.VideoFrame.from_ndarray(planar, "yuv420p")
    frame.colorspace, frame.color_range = colorspace, color_range
    assert np.array_equal(FrameConverter().convert(frame), wanted)
