"""The real program in child processes: exit codes, one sentence per fault, JSON on stdout."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from rfviewer.config import BACKEND_NAMES
from tests.models.tiny_onnx import rfdetr_like

REPOSITORY = Path(__file__).parents[2]
FRAMES = 12


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(FRAMES):
            image = np.full((48, 64, 3), index * 10, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return path


def environment(home: Path) -> dict[str, str]:
    folders = {name: str(home) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return {**os.environ, **folders, "HOME": str(home), "PYTHONPATH": str(REPOSITORY)}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "rfviewer", *map(str, arguments)]


def rfviewer(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def frame_count(path: Path) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def test_export_writes_all_files_and_reports(home: Path, clip: Path) -> None:
    files = ["-o", "out.mp4", "--labels", "out.jsonl", "--coco", "out.json"]
    done = rfviewer(home, "export", clip, *files, "--model", "none", "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    needed = {"frames_in", "frames_out", "frames_damaged", "detections", "fps", "backend"}
    assert needed | {"output", "notice"} <= set(report)
    assert report["frames_in"] == report["frames_out"] == FRAMES
    assert report["frames_damaged"] == report["detections"] == 0
    assert report["fps"] > 0
    assert report["output"] == "out.mp4"
    assert frame_count(home / "out.mp4") == FRAMES
    labels = (home / "out.jsonl").read_text().splitlines()
    assert sum('"frame' in line for line in labels) >= FRAMES
    assert json.loads((home / "out.json").read_text())["images"]
    assert done.stderr == ""
    assert sorted(p.name for p in home.glob("out*")) == ["out.json", "out.jsonl", "out.mp4"]


def test_export_says_what_was_asked_for_in_vain(home: Path, clip: Path) -> None:
    words = ["--labels", "out.jsonl", "--model", "none", "--set", "micro_batch=4", "--json"]
    done = rfviewer(home, "export", clip, *words)
    report = json.loads(done.stdout)
    assert report["frames_out"] == FRAMES
    assert report["notice"] == "micro_batch=4 is not in effect: the model has no network."


def test_export_of_a_part(home: Path, clip: Path) -> None:
    words = ["--start", "0.2", "--frames", "3", "--model", "none", "--json"]
    done = rfviewer(home, "export", clip, "-o", "out.mp4", *words)
    assert json.loads(done.stdout)["frames_out"] == 3, done.stderr
    assert frame_count(home / "out.mp4") == 3


def test_export_of_one_frame(home: Path, clip: Path) -> None:
    done = rfviewer(home, "export", clip, "-o", "out.mp4", "--frames", "1", "--model", "none")
    assert done.returncode == 0, done.stderr
    assert frame_count(home / "out.mp4") == 1


def test_export_tells_people_too(home: Path, clip: Path) -> None:
    done = rfviewer(home, "export", clip, "-o", "out.mp4", "--model", "none")
    assert done.stdout.startswith(f"{FRAMES} frames, 0 detections")
    assert "frames/s without a network: out.mp4" in done.stdout
    assert done.stdout.rstrip().endswith("out.mp4")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("missing.mp4", 1, "There is no file missing.mp4"),
        ("text.mp4", 1, "text.mp4 is a text file and no video"),
        ("empty.mp4", 1, "empty.mp4 is empty"),
        ("export missing.mp4 -o x.mp4", 1, "There is no file missing.mp4"),
        ("export text.mp4 -o x.mp4", 1, "text.mp4 is no video that can be read here"),
        ("export 99 -o x.mp4", 1, "camera"),
        ("99", 1, "camera"),
        ("export {clip} -o nowhere/x.mp4", 1, "The folder nowhere does not exist"),
        ("export {clip} -o {clip} --overwrite", 1, "is the source itself"),
        (
            "export {clip} -o text.mp4",
            1,
            "a file of that name exists; choose another name, or on the",
        ),
        ("export {clip} -o x.avi", 2, "must be named .mp4"),
        ("export {clip}", 2, "Nothing to write"),
        ("export", 2, "required"),
        ("export {clip} -o x.mp4 --threshold high", 2, "--threshold: must be a number, got high"),
        ("export {clip} -o x.mp4 --start abc", 2, "--start: must be a number, got abc"),
        ("export {clip} -o x.mp4 --end nan", 2, "--end: must be a number of seconds from 0 on"),
        ("export {clip} -o x.mp4 --frames 1.5", 2, "--frames: must be a whole number, got 1.5"),
        ("export {clip} -o x.mp4 --threads two", 2, "--threads: must be a whole number, got two"),
        ("export {clip} --labels a.json --coco ./a.json", 2, "must have different names"),
        ("export {clip} --labels -", 2, "Recordings go to files, and - is none"),
        ("export {clip} --labels /dev/stdout", 2, "and /dev/stdout is none; choose a file name"),
        ("export {clip} -o x.mp4 --start 3 --end 2", 2, "must lie after the start"),
        ("export {clip} -o x.mp4 --model no-such", 1, "There is no model no-such"),
        ("export {clip} -o x.mp4 --model text.mp4", 1, "is neither an .onnx file nor"),
        ("export {clip} -o x.mp4 --start 9 --model none", 1, "is only 0.5 s long"),
        ("export {clip} -o x.mp4 --classes cat --model none", 1, "The model has no class cat"),
        ("bench text.mp4", 1, "text.mp4 is no video that can be read here"),
        ("exprt demo", 2, "There is no file or verb exprt; did you mean export?"),
        ("doctr", 2, "There is no file or verb doctr; did you mean doctor?"),
        ("frobnicate", 2, "There is no file or verb frobnicate; see rfviewer --help"),
        ("export demo --frmes 6", 2, "no option --frmes; did you mean --frames? see rfviewer exp"),
        ("trace demo --hmtl=a.html", 2, "there is no option --hmtl; did you mean --html?"),
        ("engine build --targt sm89", 2, "there is no option --targt; did you mean --target?"),
        ("recover --wonder", 2, "there is no option --wonder; see rfviewer recover --help"),
        ("devices all", 2, "all is one word too many; see rfviewer devices --help"),
        ("ab demo --toggle limit_mask", 2, "no optimization limit_mask; did you mean limit_masks?"),
        ("demo --set roi_mask=off", 2, "no optimization roi_mask; did you mean roi_masks?"),
        ("models --accept MIT", 2, "No model needs consent to MIT"),
    ],
)
def test_faults_are_one_sentence(
    home: Path, clip: Path, arguments: str, code: int, sentence: str
) -> None:
    (home / "text.mp4").write_text("hello\n")
    (home / "empty.mp4").touch()
    done = rfviewer(home, *(word.format(clip=clip) for word in arguments.split()))
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("rfviewer")
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not (home / "x.mp4").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("bench no.mp4", 1),
        ("export no.mp4 -o x.mp4", 1),
        ("export demo", 2),
        ("export", 2),
        ("bench demo --set roi_mask=off", 2),
        ("ab demo --toggle roi_mask", 2),
        ("bench demo --frmes 3", 2),
        ("trace demo --frames many", 2),
        ("engine build --targt sm89", 2),
        ("engine", 2),
        ("doctr", 2),
        ("frobnicate", 2),
        ("demo", 2),
    ],
)
def test_with_json_a_fault_is_an_object_on_stdout_too(home: Path, words: str, code: int) -> None:
    done = rfviewer(home, *words.split(), "--json")
    assert done.returncode == code
    error = json.loads(done.stdout)["error"]
    assert done.stderr == f"rfviewer: {error}\n"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_with_invalid_output_is_named_as_the_cause(
    home: Path, clip: Path, value: float
) -> None:
    (home / "bad.onnx").write_bytes(rfdetr_like(spoilt=value))
    done = rfviewer(home, "export", clip, "-o", "x.mp4", "--model", "bad.onnx", "--json")
    assert done.returncode == 1
    assert "model output is invalid" in json.loads(done.stdout)["error"]


@pytest.fixture
def running_export(home: Path) -> Iterator[subprocess.Popen[str]]:
    words = ["export", "synthetic:64x48@25", "-o", "out.mp4", "--labels", "out.jsonl"]
    child = subprocess.Popen(
        command(*words, "--model", "none", "--json"),
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not _lines(home) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    yield child
    child.kill()
    child.communicate()


def _lines(home: Path) -> int:
    """Return how many label lines are written so far, under whatever name."""
    return sum(path.read_bytes().count(b"\n") for path in home.glob("out*jsonl"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopping_keeps_what_is_written(
    home: Path, running_export: subprocess.Popen[str], number: signal.Signals
) -> None:
    running_export.send_signal(number)
    out, err = running_export.communicate(timeout=300)
    assert running_export.returncode == 1
    report = json.loads(out)
    assert report["stopped"]
    assert err == f"rfviewer: Stopped; {report['frames_out']} frames are kept in out.mp4.\n"
    assert frame_count(home / "out.mp4") == report["frames_out"] > 0


def test_bench_reports_what_was_asked_for(home: Path, clip: Path) -> None:
    done = rfviewer(home, "bench", clip, "--model", "none", "--frames", "30", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["pipeline_fps"] > 0
    assert report["backend_fps"] is None
    assert report["frames"] == report["frames_asked_for"] == 30
    assert report["rounds"] == 9
    assert report["not_in_effect"] == []
    assert {"p50", "p95"} == set(report["stages_ms"]["sink"])
    assert report["peak_rss_mb"] > 10
    assert "rss_slope_mb_per_min" in report
    assert report["hardware"]["cores"] >= 1
    assert "numpy" in report["versions"]


def test_doctor_has_one_status_per_line(home: Path) -> None:
    done = rfviewer(home, "doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    checks = {check["name"]: check for check in report["checks"]}
    assert {"Python", "Qt", "Video", "ONNX Runtime", "NVIDIA driver", "Cache"} <= set(checks)
    assert {check["status"] for check in checks.values()} <= {"ok", "warn", "missing"}
    assert all(check["fix"] for check in checks.values() if check["status"] != "ok")
    assert checks["Python"]["status"] == checks["Video"]["status"] == "ok"


def test_models_and_devices_as_json(home: Path) -> None:
    models = json.loads(rfviewer(home, "models", "--json").stdout)["models"]
    assert {"demo", "none", "rfdetr-seg-nano"} <= {model["name"] for model in models}
    devices = json.loads(rfviewer(home, "devices", "--json").stdout)
    assert "onnxruntime" in devices["backends"]
    assert isinstance(devices["cameras"], list)
    assert set(devices["known_backends"]) == set(BACKEND_NAMES) - {"auto"}
    assert set(devices["backends"]) | set(devices["backends_missing"]) == set(BACKEND_NAMES) - {
        "auto"
    }


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a screen")
@pytest.mark.parametrize("display", ["", ":4321"])
def test_the_window_without_a_screen_is_one_sentence(home: Path, clip: Path, display: str) -> None:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    bare = {name: value for name, value in environment(home).items() if name not in names}
    done = subprocess.run(
        command(clip, "--quit-after", "1"),
        env={**bare, **({"DISPLAY": display} if display else {})},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("rfviewer: The window ")
    assert len(done.stderr.splitlines()) == 1


def test_version(home: Path) -> None:
    done = rfviewer(home, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("rfviewer ")
