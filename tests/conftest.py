"""Rules of the test suite: no thread outlives its test, GUI tests are marked by themselves."""

import atexit
import importlib.util
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator

import pytest

from rfviewer.config import require_cuda

if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # Qt aborts where it finds no screen

# Tests and the programs they start leave the user's own folders alone.
_HOME = tempfile.mkdtemp(prefix="rfviewer-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _name in ("STATE", "CACHE", "CONFIG"):
    os.environ[f"XDG_{_name}_HOME"] = os.path.join(_HOME, _name.lower())  # noqa: PTH118

# A run under nohup or in the background hands its deafness on to every program that a test starts.
if threading.current_thread() is threading.main_thread():
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

GUI_FIXTURES = {"qtbot", "qapp"}

if importlib.util.find_spec("hypothesis"):  # the kernels' environment has none
    import hypothesis

    # Every run tries the same examples, and none fails for being slow. Others are searched for
    # with `pytest --hypothesis-profile=search`.
    hypothesis.settings.register_profile(
        "same",
        derandomize=True,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.register_profile(
        "search", hypothesis.settings.get_profile("same"), derandomize=False
    )
    hypothesis.settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if GUI_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("gui")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU on machines without one; fail instead where a GPU must be there."""
    if item.get_closest_marker("needs_cuda") is None:
        return
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        if require_cuda():
            pytest.fail("RFVIEWER_REQUIRE_CUDA is set, but torch sees no CUDA device")
        pytest.skip("no CUDA device")


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    """Fail a test that leaves one of our threads running."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 60.0  # reached only by a thread that hangs
    while True:
        left = [
            thread.name
            for thread in threading.enumerate()
            if thread not in before and thread.name.startswith("rfviewer-")
        ]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    assert not left, f"threads left running: {left}"
