"""Frames, detections and files for the tests of sinks, and what is found in written files."""

import json
import math
import subprocess
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np

from rfviewer.detections import Detections, InstanceMasks
from rfviewer.frame import Frame, SourceInfo, SourceKind
from rfviewer.interfaces import SinkContext, SinkItem
from rfviewer.sinks.video import VideoSink

NAMES = (None, "person", None, "car")


def context(*, uri="synthetic:", name="clip.mp4", kind=SourceKind.SYNTHETIC, fps=25.0):
    media_path = uri if kind is SourceKind.FILE else ""
    info = SourceInfo(uri, name, kind, 64, 48, fps, media_path=media_path)
    return SinkContext(info, NAMES, {"software": "rfviewer test", "threshold": "0.5"})


def item(
    index=0,
    *,
    image=None,
    width=64,
    height=48,
    detections=None,
    pts_s=None,
    recorded_s=None,
    inferred=True,
    duration_s=0.04,
    name="",
):
    if image is None:
        image = np.zeros((height, width, 4), np.uint8)
        image[..., index % 3] = 40 + 5 * index % 200
        image[..., 3] = 255
    height, width = image.shape[:2]
    pts_s = index / 25 if pts_s is None else pts_s
    frame = Frame(
        np.ascontiguousarray(image[..., :3]),
        width,
        height,
        index,
        pts_s,
        0,
        duration_s=duration_s,
        name=name,
    )
    detections = Detections.empty() if detections is None else detections
    recorded_s = pts_s if recorded_s is None else recorded_s
    return SinkItem(frame, detections, image, inferred, recorded_s)


def detections_of(dense, class_ids, *, packed=True):
    n, height, width = dense.shape
    regions = np.zeros((n, 4), np.int32)
    for region, mask in zip(regions, dense, strict=True):
        ys, xs = np.nonzero(mask)
        if len(xs):
            region[:] = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    data = np.packbits(dense, axis=2, bitorder="little") if packed else dense.astype(np.uint8)
    return Detections(
        regions.astype(np.float32) + np.float32(0.1234567),
        np.linspace(0.95, 0.5, n, dtype=np.float32),
        np.array(class_ids, np.int32),
        InstanceMasks(data, regions, width, height, packed),
    )


def read_video(path):
    """Return (pts in seconds, RGB images, container duration in seconds, audio pts in seconds)."""
    with av.open(str(path)) as container:
        images, times = [], []
        for frame in container.decode(video=0):
            times.append(float(frame.pts * frame.time_base))
            images.append(frame.to_ndarray(format="rgb24"))
        duration = container.duration / 1e6
    return times, images, duration


def write_source(path, *, frames=50, fps=25, audio_codec="aac", size=(64, 48)):
    """Write a video with sound: silence but for a click at every whole second."""
    rate = 48_000 if audio_codec == "aac" else 8_000
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"bf": "2"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        sound = container.add_stream(audio_codec, rate=rate)
        layout = "mono"
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), index * 4 % 256, np.uint8), "rgb24"
            )
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        samples = np.zeros(rate * frames // fps, np.int16)
        for second in range(frames // fps + 1):
            samples[second * rate : second * rate + 200] = 20_000
        sound_frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout=layout)
        sound_frame.rate, sound_frame.pts = rate, 0
        sound_frame.time_base = Fraction(1, rate)
        resampler = av.AudioResampler(sound.format, sound.layout, rate, sound.frame_size or 1024)
        for part in [*resampler.resample(sound_frame), *resampler.resample(None)]:
            container.mux(sound.encode(part))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def gaps(times):
    return [b - a for a, b in pairwise(times)]


def record(path, items, ctx=None, **options):
    """Write a video of `items`; return the closed sink."""
    with VideoSink(path, ctx or context(), **options) as sink:
        for each in items:
            sink.write(each)
    return sink


def probe(path):
    """Return what ffprobe tells of a file; a complaint of it fails the test."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return json.loads(result.stdout)


def file_context(path):
    return context(uri=str(path), name=path.name, kind=SourceKind.FILE)


def clicks_s(path, until_s=math.inf):
    """Return the times at which a click begins, up to `until_s`."""
    times = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            if frame.time > until_s:
                break
            samples = np.abs(frame.to_ndarray()[0].astype(float))
            peak = samples.max() or 1
            loud = samples > (0.15 if peak <= 2 else 0.15 * 32768)
            for offset in np.flatnonzero(loud):
                time_s = float(frame.pts * frame.time_base) + offset / frame.sample_rate
                if not times or time_s - times[-1] > 0.5:
                    times.append(time_s)
    return times
