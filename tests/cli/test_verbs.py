"""The real program in child processes: what the short verbs report, as JSON on stdout."""

import json
from pathlib import Path

from rfviewer.config import BACKEND_NAMES
from tests.cli.program import rfviewer


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


def test_version(home: Path) -> None:
    done = rfviewer(home, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("rfviewer ")
