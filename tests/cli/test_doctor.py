"""Each problem is found and comes with its remedy; only what stops the viewer fails."""

import ctypes
import json
import os
import shutil
from pathlib import Path

import pytest

from rfviewer import paths
from rfviewer.doctor import floors, packages, storage, system, verb
from rfviewer.doctor.check import Check, Status


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(paths, "videos_dir", lambda: tmp_path / "Videos")
    return tmp_path


def test_keys_are_stable_and_every_problem_has_a_remedy(capsys) -> None:
    code = verb.run(as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert [check["key"] for check in report["checks"]] == [
        "python", "qt", "display", "video", "codecs", "ffmpeg_flaws", "opencv", "onnxruntime",
        "driver", "cuda", "decoding", "torch", "tensorrt", "triton", "models", "libraries",
        "cameras", "cache", "recordings", "unfinished", "logs",
    ]  # fmt: skip
    assert all(check["fix"] for check in report["checks"] if check["status"] != "ok")
    assert code == (0 if report["ok"] else 1)


@pytest.mark.parametrize(
    ("status", "code"), [(Status.OK, 0), (Status.WARN, 0), (Status.MISSING, 1)]
)
def test_only_what_stops_the_viewer_fails(monkeypatch, capsys, status, code) -> None:
    check = Check("Thing", status, "as found", "mend it")
    monkeypatch.setattr(verb, "CHECKS", {"thing": lambda: check})
    assert verb.run(as_json=False) == code
    assert capsys.readouterr().out.splitlines()[1].strip() == "-> mend it"


def test_a_broken_package_is_a_finding(monkeypatch, capsys) -> None:
    def broken() -> Check:
        raise ImportError("libfoo.so.1: cannot open shared object file")

    monkeypatch.setattr(verb, "CHECKS", {"thing": broken})
    assert verb.run(as_json=True) == 1
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert "libfoo" in check["detail"]
    assert check["fix"]


@pytest.mark.parametrize(
    ("version", "flaws"),
    [
        ("9.0.2", 0), ("9.0.1", 1), ("8.1.3", 0), ("8.1.2", 1), ("8.1.1", 2), ("n8.1.3", 0),
        ("10.0", 0), ("7.1", 2), ("9.1", 0),
    ],
)  # fmt: skip
def test_flaws_of_ffmpeg(version, flaws) -> None:
    assert len(floors.known_ffmpeg_flaws(version)) == flaws


def test_an_ffmpeg_of_unknown_version_is_not_called_safe(monkeypatch) -> None:
    monkeypatch.setattr("av.ffmpeg_version_info", "git-2026-01-01-abc")
    assert floors.ffmpeg_flaws().status is Status.WARN


def test_old_libraries_are_named_with_the_version_to_install(monkeypatch) -> None:
    old = {"torch": "2.9.1+cu130", "onnx": "1.21.0", "pillow": "9.5"}
    monkeypatch.setattr(floors, "installed", old.get)
    check = floors.libraries()
    assert check.status is Status.WARN
    assert "torch 2.9.1+cu130 is older than 2.10" in check.detail
    assert check.fix == "pip install -U 'torch>=2.10' 'pillow>=10.0.1'"
    monkeypatch.setattr(floors, "installed", {"torch": "2.11.0+cu130"}.get)
    assert floors.libraries().status is Status.OK


class Driver:
    """A CUDA driver library that answers with one code."""

    def __init__(self, code: int) -> None:
        self.code = code

    def cuInit(self, _flags: int) -> int:  # noqa: N802 - the library's name
        return self.code

    def cuDriverGetVersion(self, number: object) -> int:  # noqa: N802 - the library's name
        number._obj.value = 13020
        return 0


@pytest.mark.parametrize(
    ("code", "words"),
    [(803, "restart the computer"), (35, "install a newer one"), (999, "restart the computer"),
     (100, "plugged in"), (1, "restart")],
)  # fmt: skip
def test_a_driver_that_refuses_is_explained(monkeypatch, code, words) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(code))
    check = system.cuda()
    assert check.status is Status.WARN
    assert f"error {code}" in check.detail
    assert words in check.fix


def test_a_driver_that_works_says_up_to_which_version(monkeypatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(0))
    assert system.cuda() == Check("CUDA", Status.OK, "the driver runs programs up to CUDA 13.2")


@pytest.mark.parametrize(
    ("lacks", "status", "words"),
    [
        ((), Status.OK, "brings NVDEC"),
        (("libnvcuvid.so.1",), Status.WARN, "has no video decoder"),
        (("libcuda.so.1", "libnvcuvid.so.1"), Status.OK, "the CPU decodes"),
    ],
)
def test_a_driver_without_its_video_part_is_told(monkeypatch, lacks, status, words) -> None:
    def load(name: str) -> object:
        if name in lacks:
            raise OSError(name)
        return object()

    monkeypatch.setattr(ctypes, "CDLL", load)
    check = system.decoding()
    assert check.status is status
    assert words in check.detail
    assert bool(check.fix) == (status is Status.WARN)


def test_triton_without_a_compiler_cannot_start_kernels(monkeypatch) -> None:
    monkeypatch.setattr(packages, "installed", lambda name: "3.6" if name == "triton" else None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    check = packages.triton()
    assert check.status is Status.WARN
    assert "no C compiler" in check.detail
    assert "gcc" in check.fix


def test_torch_for_the_cpu_beside_a_gpu(monkeypatch) -> None:
    monkeypatch.setattr(packages, "installed", lambda _: "2.11.0+cpu")
    monkeypatch.setattr(packages, "list_gpus", lambda: ["Some GPU"])
    assert packages.torch().status is Status.WARN


def test_a_cache_of_another_user_stops_the_viewer(monkeypatch) -> None:
    assert storage.cache().status is Status.OK
    if os.name == "posix":
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        check = storage.cache()
        assert check.status is Status.MISSING
        assert "belongs to another user" in check.detail
        assert "remove it" in check.fix


def test_a_full_disk_for_recordings_is_told(monkeypatch, home) -> None:
    usage = shutil.disk_usage(home)._replace(free=5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert storage.recordings().status is Status.WARN


def test_unfinished_recordings_are_told(home) -> None:
    from rfviewer.sinks.running import RunningFiles
    from tests.sinks.test_recovery import cut_off

    assert storage.interrupted().status is Status.OK
    cut_off(RunningFiles.of_user(), home)
    check = storage.interrupted()
    assert check.status is Status.WARN
    assert check.fix == "rfviewer recover"


RTX = {"tensorrt-rtx-cu13-libs": "1.7"}


@pytest.mark.parametrize(
    ("found", "gpus", "status", "fix"),
    [
        (RTX, [], Status.OK, ""),
        ({}, [], Status.OK, ""),
        (RTX, ["a GPU"], Status.WARN, "what rtx lacks"),
        ({}, ["a GPU"], Status.WARN, "what trt lacks"),
    ],
)
def test_doctor_and_devices_agree_about_tensorrt(monkeypatch, found, gpus, status, fix) -> None:
    needs = {"tensorrt": "what trt lacks", "tensorrt-rtx": "what rtx lacks"}
    monkeypatch.setattr(packages, "installed", found.get)
    monkeypatch.setattr(packages, "list_gpus", lambda: gpus)
    monkeypatch.setattr(packages, "backend_needs", lambda: needs)
    check = packages.tensorrt()
    assert (check.status, check.fix) == (status, fix)
    needs["tensorrt-rtx"] = ""
    if found:
        assert packages.tensorrt().status is Status.OK


def test_no_camera_is_no_problem(monkeypatch) -> None:
    monkeypatch.setattr("rfviewer.sources.cameras.list_cameras", list)
    assert system.cameras() == Check("Cameras", Status.OK, "none is connected")


@pytest.mark.parametrize(
    ("vendor", "kind", "maybe"),
    [("0x10de", "0x030000", True), ("0x10de", "0x040300", False), ("0x8086", "0x030000", False)],
)
def test_a_driver_is_missed_only_where_a_gpu_is(monkeypatch, tmp_path, vendor, kind, maybe) -> None:
    monkeypatch.setattr(system, "_WSL_GPU", tmp_path / "none")
    assert system._may_have_nvidia_gpu(tmp_path / "no bus")
    device = tmp_path / "pci" / "0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")
    assert system._may_have_nvidia_gpu(tmp_path / "pci") == maybe
    monkeypatch.setattr(system, "list_gpus", list)
    monkeypatch.setattr(system, "_may_have_nvidia_gpu", lambda: maybe)
    assert system.nvidia().status is (Status.WARN if maybe else Status.OK)
