"""Kills real exports at random moments and recovers them; prints what was lost of each.

    python tests/sinks/kill_exports.py [COUNT]

The labels are on disk frame by frame, right after the picture was handed to the encoder: they say
how many frames there were when the process was killed.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FPS = 30
COMMAND = [sys.executable, "-m", "rfviewer"]


def kill_one(folder: Path, after_s: float, from_bytes: int = 0) -> dict[str, float]:
    """Export, kill after that many seconds of writing, recover; return frames and loss.

    The seconds count from when the fragments have `from_bytes`.
    """
    labels, video = folder / "a.jsonl", folder / "a.mp4"
    partial = folder / "a.partial.mp4"
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    child = subprocess.Popen(
        [*COMMAND, "export", f"synthetic:640x360@{FPS}", "--frames", "100000", "--model", "none",
         "-o", str(video), "--labels", str(labels), "--quiet"],
        env=environment,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while (
        not labels.exists()
        or not labels.stat().st_size
        or not partial.exists()
        or partial.stat().st_size < from_bytes
    ):
        assert child.poll() is None, "the export ended by itself"
        time.sleep(0.005)
    time.sleep(after_s)
    child.kill()
    child.wait()
    assert not video.exists(), "no half file under the final name"
    written = labels.read_text().count("\n")
    done = subprocess.run(
        [*COMMAND, "recover", str(folder), "--json"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    saved = 0
    for one in report["recordings"]:
        assert not one["error"], one
        saved = round(one["duration_s"] * FPS)
        assert Path(one["output"]) == video
        decoded = _decodable_frames(video)
        assert decoded == saved == one["frames"], (decoded, saved, one)
        shorter = f"of {written} frames: the video is {written - saved} shorter"
        assert (shorter in one["notice"]) is (written > saved), (written, one)
    lost_s = max(0, written - saved) / FPS
    return {"after_s": after_s, "written": written, "saved": saved, "lost_s": lost_s}


def _decodable_frames(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def main() -> int:
    """Kill COUNT exports; return 1 when one lost more than a second."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rng = random.Random(1)
    worst, recovered = 0.0, 0
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            result = kill_one(Path(folder), rng.uniform(0, 2.0))
        worst = max(worst, result["lost_s"])
        recovered += result["saved"] > 0
        sys.stdout.write(
            f"{number + 1:3d}  killed after {result['after_s']:.2f} s: {result['written']:4.0f}"
            f" frames written, {result['saved']:4.0f} saved, {result['lost_s']:.2f} s lost\n"
        )
        sys.stdout.flush()
    sys.stdout.write(
        f"{recovered} of {count} recovered and playable; {count - recovered} killed before the"
        f" first fragment, which leaves nothing to recover; worst loss {worst:.2f} s\n"
    )
    return 0 if worst <= 1.0 else 1


if __name__ == "__main__":
    sys.exit(main())
