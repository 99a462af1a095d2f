"""Where ONNX Runtime runs. Its CUDA provider is a stand-in: the real session, another name."""

import pytest

from rfviewer.config import EngineConfig
from rfviewer.engine.backends import onnx_session
from rfviewer.engine.backends.onnx_session import open_session
from rfviewer.onnx_runtime import onnxruntime
from rfviewer.safe_mode import safe_settings
from tests.engine.test_factory import OUTPUTS, backend_of, engine_of, spec_of
from tests.engine.tiny_onnx import write_tiny_onnx

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class Package:
    """`onnxruntime` for a GPU; its CUDA provider starts or does not."""

    def __init__(self, starts=True):
        self.starts, self.asked, self.fallback = starts, [], True

    def get_available_providers(self):
        return [CUDA, CPU]

    def InferenceSession(self, path, options, providers):  # noqa: N802 - the package's name
        self.asked.append(providers)
        package, session = self, onnxruntime.InferenceSession(path, options, providers=[CPU])
        names = [name if isinstance(name, str) else name[0] for name in providers]

        class Session:
            def __getattr__(self, name):
                return getattr(session, name)

            def get_providers(self):
                return names if package.starts else [CPU]

            def disable_fallback(self):
                package.fallback = False

        return Session()


@pytest.fixture
def tiny(tmp_path):
    return write_tiny_onnx(tmp_path / "tiny.onnx", OUTPUTS)


@pytest.fixture
def package(monkeypatch):
    def use(**kwargs):
        made = Package(**kwargs)
        monkeypatch.setattr(onnx_session, "onnxruntime", made)
        return made

    return use


def test_the_package_for_a_gpu_runs_there_in_fp32_and_never_falls_back_unseen(tiny, package):
    made = package()
    engine = engine_of(spec_of(tiny), EngineConfig())
    assert engine.info.device == "NVIDIA GPU"
    assert engine.info.backend_reason.startswith("auto: ONNX Runtime, because")
    assert engine.info.backend_reason.endswith("; it runs on the NVIDIA GPU by its CUDA provider")
    assert made.asked == [[(CUDA, {"use_tf32": "0"}), CPU]]
    assert not made.fallback
    engine.close()


def test_a_provider_that_does_not_start_is_told(tiny, package):
    package(starts=False)
    engine = engine_of(spec_of(tiny), EngineConfig(backend="onnxruntime", threads=1))
    assert engine.info.device == "CPU, 1 thread"
    wanted = (
        "asked for by name; it runs on the CPU, since ONNX Runtime's CUDA provider does not start"
    )
    assert engine.info.backend_reason.startswith(wanted)
    engine.close()


def test_safe_mode_asks_for_no_gpu(tiny, package):
    made = package()
    backend = backend_of(spec_of(tiny), safe_settings().engine)
    assert made.asked == [[CPU]]
    assert backend.device.startswith("CPU")


def test_the_usual_package_runs_on_the_cpu(tiny):
    opened = open_session(tiny, onnxruntime.SessionOptions(), cuda=True)
    assert (opened.on_gpu, opened.place) == (False, "on the CPU")


def test_the_provider_and_its_option_are_known_to_the_real_package():
    """Which has no CUDA here, but names every provider that exists."""
    assert CUDA in onnxruntime.get_all_providers()
