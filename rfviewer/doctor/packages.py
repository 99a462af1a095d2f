"""The libraries: what decodes, draws and infers. No torch is imported, nothing is built."""

import shutil
import sys

from rfviewer.doctor.check import Check, Status
from rfviewer.doctor.floors import installed
from rfviewer.extras import install_command
from rfviewer.listing import NO_GPU, backend_needs, list_gpus

_CODECS = {
    "h264": "H.264",
    "hevc": "H.265",
    "av1": "AV1",
    "vp9": "VP9",
    "mjpeg": "Motion JPEG",
    "mpeg2video": "MPEG-2",
    "prores": "ProRes",
}
"""What users have most."""
_TENSORRTS = (
    "tensorrt-cu13",
    "tensorrt-cu12",
    "tensorrt",
    "tensorrt-rtx-cu13-libs",
    "tensorrt-rtx-cu13-bindings",
)


def ffmpeg() -> Check:
    """Check PyAV, its FFmpeg and the H.264 encoder."""
    import av
    import av.codec

    detail = f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"
    if "libx264" not in av.codec.codecs_available:
        fix = "pip install --force-reinstall --only-binary :all: av"
        return Check("Video", Status.MISSING, f"{detail}, no H.264 encoder", fix)
    return Check("Video", Status.OK, f"{detail}, H.264 by libx264")


def codecs() -> Check:
    """Check which of the usual codecs can be decoded."""
    import av.codec
    import av.codec.codec

    missing = []
    for name, title in _CODECS.items():
        try:
            av.codec.Codec(name, "r")
        except av.codec.codec.UnknownCodecError:
            missing.append(title)
    if missing:
        detail = f"this FFmpeg cannot decode {', '.join(missing)}"
        fix = "pip install --force-reinstall --only-binary :all: av"
        return Check("Codecs", Status.WARN, detail, fix)
    return Check("Codecs", Status.OK, ", ".join(_CODECS.values()))


def opencv() -> Check:
    """Check OpenCV; two flavours of it overwrite each other's files."""
    flavours = [
        name
        for name in ("opencv-python", "opencv-python-headless", "opencv-contrib-python")
        if installed(name)
    ]
    import cv2

    if len(flavours) > 1:
        fix = f"pip uninstall {' '.join(flavours)}; pip install opencv-python-headless"
        return Check("OpenCV", Status.WARN, " and ".join(flavours) + " clash", fix)
    return Check("OpenCV", Status.OK, f"{cv2.__version__} ({', '.join(flavours) or 'own build'})")


def onnx_runtime() -> Check:
    """Check the CPU backend."""
    from rfviewer.onnx_runtime import onnxruntime

    providers = ", ".join(onnxruntime.get_available_providers())
    return Check("ONNX Runtime", Status.OK, f"{onnxruntime.__version__}, {providers}")


def torch() -> Check:
    """Check that torch is there and built for CUDA, by its metadata."""
    version = installed("torch")
    if version is None:
        return _not_for_this_machine("torch", "torch is not installed", "torch")
    if "+cpu" in version and list_gpus():
        fix = "install torch's CUDA build: pytorch.org tells how"
        return Check("torch", Status.WARN, f"torch {version} cannot use the NVIDIA GPU", fix)
    return Check("torch", Status.OK, f"torch {version}")


def tensorrt() -> Check:
    """Check which TensorRT variants are there, by their metadata."""
    found = [f"{name} {version}" for name in _TENSORRTS if (version := installed(name))]
    if not found:
        missing = "neither TensorRT nor TensorRT for RTX is installed"
        return _not_for_this_machine("TensorRT", missing, "tensorrt")
    detail = ", ".join(found)
    if not list_gpus():
        return Check("TensorRT", Status.OK, f"{detail}; {NO_GPU}")
    needs = backend_needs()
    if not needs["tensorrt"] or not needs["tensorrt-rtx"]:
        return Check("TensorRT", Status.OK, detail)
    backend = "tensorrt-rtx" if "-rtx" in detail else "tensorrt"
    return Check("TensorRT", Status.WARN, f"{detail}, which cannot run alone", needs[backend])


def triton() -> Check:
    """Check what our kernels are compiled with: Triton, and a C compiler for its launcher."""
    version = installed("triton") or installed("triton-windows")
    if version is None:
        return _not_for_this_machine("Triton", "Triton is not installed", "torch")
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if compiler is None and sys.platform != "win32":
        detail = f"Triton {version}, but no C compiler, so no kernel can be started"
        return Check("Triton", Status.WARN, detail, "sudo apt-get install gcc libc6-dev")
    if not _python_header():
        detail = f"Triton {version}, {compiler}, but Python.h is missing"
        fix = f"sudo apt-get install python3.{sys.version_info.minor}-dev"
        return Check("Triton", Status.WARN, detail, fix)
    return Check("Triton", Status.OK, f"Triton {version}, {compiler or 'own compiler'}")


def models_extra() -> Check:
    """Check what official checkpoints need."""
    found = {name: installed(name) for name in ("rfdetr", "onnx", "onnxscript")}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        detail = f"only the demo model and .onnx files, without {', '.join(missing)}"
        return Check("Models", Status.WARN, detail, install_command("models"))
    return Check("Models", Status.OK, ", ".join(f"{name} {found[name]}" for name in found))


def _python_header() -> bool:
    import sysconfig
    from pathlib import Path

    return sys.platform == "win32" or (Path(sysconfig.get_path("include")) / "Python.h").is_file()


def _not_for_this_machine(name: str, missing: str, backend: str) -> Check:
    """Return the line about a GPU package that is not there: a problem only where a GPU is.

    The remedy is what `rfviewer devices` says that `backend` lacks.
    """
    if not list_gpus():
        return Check(name, Status.OK, f"{missing}; {NO_GPU}")
    return Check(name, Status.WARN, missing, backend_needs()[backend])
