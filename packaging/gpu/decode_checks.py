"""What decode.py compares: frames, seeks, and the CPU taking over in the middle."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
from decode_clips import target_of

from rfviewer.decode import Decode
from rfviewer.frame import Frame
from rfviewer.picture_memory import PictureMemory
from rfviewer.sources.hardware import ON_CPU, Decoding
from rfviewer.sources.nvdec import NvdecDecoder
from rfviewer.sources.pyav_source import PyAvSource
from rfviewer.sources.reader import MediaReader, StampedFrame

SEEKS = 60
TAKEOVER_AFTER = (0, 1, 25, 100)

type Note = dict[str, object]
type Pictures = Callable[[], PictureMemory | None]


def to_host() -> None:
    """Let pictures come to the host (`Pictures`)."""


def on_gpu(pictures: Pictures = to_host) -> Decoding:
    """Return what asks for NVDEC; `pictures` says where frames stay."""
    return Decoding(Decode.GPU, partial(NvdecDecoder, pictures=pictures))


def exact(clips: dict[str, Path]) -> Note:
    """Compare every frame of every clip: planes as decoded, and the images made from them."""
    return {name: compare(path) for name, path in clips.items()}


def compare(path: Path) -> Note:
    """Return how far NVDEC's frames of one clip are from the CPU's."""
    readers = [
        MediaReader(target_of(path), lambda: False, None, decoding)
        for decoding in (ON_CPU, on_gpu())
    ]
    frames = equal = largest = misplaced = 0
    while True:
        cpu, gpu = (reader.next() for reader in readers)
        if cpu is None or gpu is None:
            misplaced += cpu is not gpu
            break
        frames += 1
        misplaced += (cpu.pts_s, cpu.frame_index) != (gpu.pts_s, gpu.frame_index)
        levels = _difference(cpu, gpu)
        equal += levels == 0
        largest = max(largest, levels)
    with opened(path, gpu=False) as ours, opened(path, gpu=True) as theirs:
        images = sum(
            not np.array_equal(a.image, b.image)
            for a, b in zip(frames_of(ours), frames_of(theirs), strict=False)
        )
    return {
        "frames": frames,
        "equal": equal,
        "largest_levels": largest,
        "misplaced": misplaced,
        "images_unequal": images,
        "damaged": [reader.damaged for reader in readers],
        "decoder": str(readers[1].decode.effective),
        "reason": readers[1].decode.reason,
    }


def _difference(cpu: StampedFrame, gpu: StampedFrame) -> int:
    """Return the largest difference of two pictures in levels; 255 when their sizes differ."""
    levels = 0
    for ours, theirs in zip(cpu.frame.planes, gpu.frame.planes, strict=True):
        if (ours.width, ours.height) != (theirs.width, theirs.height):
            return 255
        rows = [
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height]
            for plane in (ours, theirs)
        ]
        a, b = (row[:, : ours.width].astype(np.int16) for row in rows)
        levels = max(levels, int(np.abs(a - b).max()))
    return levels


class opened:  # noqa: N801 - used like a function
    """A source, closed at the end of the block."""

    def __init__(self, path: Path, *, gpu: bool, pictures: Pictures = to_host) -> None:
        self.source = PyAvSource(target_of(path), on_gpu(pictures) if gpu else ON_CPU)

    def __enter__(self) -> PyAvSource:
        return self.source

    def __exit__(self, *error: object) -> None:
        self.source.close()


def frames_of(source: PyAvSource) -> Iterator[Frame]:
    """Yield what is left."""
    while (frame := source.read()) is not None:
        yield frame


def seeks(clips: dict[str, Path], pictures: Pictures = to_host) -> Note:
    """Seek and step to random places and compare what follows with reading from the start."""
    notes: Note = {}
    for name in ("demo_clip", "h264-open", "hevc-b", "vp9", "av1"):
        with opened(clips[name], gpu=False) as source:
            wanted = [(frame.pts_s, frame.image) for frame in frames_of(source)]
        chance, wrong = random.Random(0), 0
        with opened(clips[name], gpu=True, pictures=pictures) as source:
            for turn in range(SEEKS):
                place = chance.randrange(1, len(wanted))
                back = turn % 2 == 1
                (source.seek_before if back else source.seek)(wanted[place][0])
                for pts_s, image in wanted[place - back :][:3]:
                    frame = source.read()
                    right = frame is not None and abs(frame.pts_s - pts_s) < 1e-6
                    wrong += not (right and np.array_equal(frame.image, image))
            notes[name] = {"seeks": SEEKS, "wrong": wrong, "codec": source.info.codec}
    return notes


class _FailsAfter(NvdecDecoder):
    """NVDEC until `left` packets are decoded."""

    left = 0

    def decode(self, packet: "av.Packet | None") -> list[av.VideoFrame]:
        self.left -= 1
        if self.left < 0:
            raise av.error.ExternalError(-1, "made to fail")
        return super().decode(packet)


def takeover(clips: dict[str, Path], pictures: Pictures = to_host) -> Note:
    """Let the GPU fail after some packets; the CPU must go on at the same frame."""
    notes: Note = {}
    for name in ("demo_clip", "h264-open", "hevc-b"):
        with opened(clips[name], gpu=False) as source:
            wanted = list(frames_of(source))
        for packets in TAKEOVER_AFTER:
            kind = type("Fails", (_FailsAfter,), {"left": packets})
            decoding = Decoding(Decode.GPU, partial(kind, pictures=pictures))
            source = PyAvSource(target_of(clips[name]), decoding)
            frames = list(frames_of(source))
            pairs = zip(frames, wanted, strict=False)
            wrong = abs(len(frames) - len(wanted)) + sum(
                a.pts_s != b.pts_s or not np.array_equal(a.image, b.image) for a, b in pairs
            )
            notes[f"{name} after {packets}"] = {"frames": len(frames), "wrong": wrong}
            source.close()
    return notes
