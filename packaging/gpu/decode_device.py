"""One question of decode.py to a process of its own: do frames reach PyTorch without the host?

    python decode_device.py KIND CLIP...

KIND is the CUDA context that FFmpeg decodes in: `own`, the device's primary one before or after
PyTorch made it (`primary-first`, `primary-after-torch`), or the one current on this thread, made so
by PyTorch (`current`) or by hand before it (`current-retained`). Prints one line of JSON.
"""

import ctypes
import json
import sys
import time
import traceback
from pathlib import Path

import av
import numpy as np
import torch
from av.codec.hwaccel import HWAccel

OPTIONS = {
    "own": {"primary_ctx": "0"},
    "primary-first": {"primary_ctx": "1"},
    "primary-after-torch": {"primary_ctx": "1"},
    "current": {"primary_ctx": "0", "current_ctx": "1"},
    "current-retained": {"primary_ctx": "0", "current_ctx": "1"},
}
CODECS = {"h264": "h264", "vp9": "vp9"}


def main() -> None:
    """Answer for one kind of context."""
    kind, *clips = sys.argv[1:]
    if kind == "current-retained":
        enter_primary()
    elif kind != "primary-first":
        torch.zeros(1, device="cuda")
    answers: dict[str, object] = {}
    for path in clips:
        try:
            answers[Path(path).stem] = ask(path, OPTIONS[kind])
        except Exception:  # noqa: BLE001 - the answer
            answers[Path(path).stem] = traceback.format_exc(limit=-1)[-600:]
    answers["allocated_mib"] = torch.cuda.memory_allocated() >> 20
    print(json.dumps(answers))


def enter_primary() -> None:
    """Make the device's primary context current on this thread, without PyTorch."""
    driver, context = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p()
    for code in (
        driver.cuInit(0),
        driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0),
        driver.cuCtxSetCurrent(context),
    ):
        if code:
            raise RuntimeError(f"the driver answers {code}")


def ask(path: str, options: dict[str, str]) -> dict[str, object]:
    """Decode `path` on the device and compare with the CPU, then take the time alone."""
    frames = equal = 0
    shapes: list[list[int]] = []
    with av.open(path) as container:
        wanted = [frame.reformat(format="nv12") for frame in container.decode(video=0)]
    for frame, ours in zip(decoded(path, options), wanted, strict=True):
        torch.cuda.default_stream().synchronize()
        planes = [torch.from_dlpack(plane) for plane in frame.planes]
        shapes = [list(plane.shape) for plane in planes]
        rows = [
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height]
            for plane in ours.planes
        ]
        luma, chroma = (plane.cpu().numpy() for plane in planes)
        same = np.array_equal(luma, rows[0][: luma.shape[0], : luma.shape[1]])
        flat = chroma.reshape(chroma.shape[0], -1)
        equal += same and np.array_equal(flat, rows[1][: flat.shape[0], : flat.shape[1]])
        frames += 1
    started_s = time.perf_counter()
    count = sum(1 for _ in decoded(path, options))
    torch.cuda.default_stream().synchronize()
    fps = count / (time.perf_counter() - started_s)
    held = list(decoded(path, options))  # may frames be kept while decoding goes on?
    torch.cuda.default_stream().synchronize()
    first = torch.from_dlpack(held[0].planes[0]).cpu().numpy()
    luma = np.frombuffer(wanted[0].planes[0], np.uint8).reshape(-1, wanted[0].planes[0].line_size)
    return {
        "frames": frames,
        "equal": equal,
        "shapes": shapes,
        "fps_with_opening": round(fps, 1),
        "first_survives_all": bool(np.array_equal(first, luma[: first.shape[0], : first.shape[1]])),
    }


def decoded(path: str, options: dict[str, str]):  # noqa: ANN201
    """Yield frames that stay on the device."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        accelerator = HWAccel("cuda", None, False, options, is_hw_owned=True)  # noqa: FBT003
        codec = av.Codec(CODECS[stream.codec_context.name], "r")
        context = av.CodecContext.create(codec, "r", accelerator)
        context.extradata = stream.codec_context.extradata
        context.width, context.height = stream.width, stream.height
        context.thread_count = 1
        for packet in container.demux(stream):
            yield from context.decode(packet if packet.size else None)


if __name__ == "__main__":
    main()
