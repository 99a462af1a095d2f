"""Imports one of the two flavours of TensorRT, late: both are optional packages."""

import importlib
from dataclasses import dataclass
from typing import Any, Literal, cast

from rfviewer import log
from rfviewer.engine.backends.tensorrt_api import Module
from rfviewer.errors import EngineError
from rfviewer.extras import install_command

type TensorRtName = Literal["tensorrt", "tensorrt-rtx"]
"""Which flavour, as in `config.BACKEND_NAMES`."""

MODULES: dict[TensorRtName, tuple[str, ...]] = {
    "tensorrt": ("tensorrt",),
    "tensorrt-rtx": ("tensorrt_rtx", "tensorrt_rtx_bindings"),
}
"""Import names; the wheels of bindings and libraries alone have only the second one of RTX."""
_TITLES: dict[TensorRtName, str] = {
    "tensorrt": "TensorRT",
    "tensorrt-rtx": "TensorRT for RTX",
}
EXTRAS: dict[TensorRtName, str] = {"tensorrt": "gpu", "tensorrt-rtx": "rtx"}
"""The extra of rfviewer that brings each."""


@dataclass(frozen=True, slots=True)
class TensorRt:
    """One flavour of TensorRT, imported."""

    name: TensorRtName
    module: Module

    @property
    def title(self) -> str:
        """Name for sentences."""
        return _TITLES[self.name]

    @property
    def version(self) -> str:
        """Version of the package, e.g. "11.4.0.106"."""
        return str(self.module.__version__)

    @property
    def is_rtx(self) -> bool:
        """Whether it is the flavour that builds without a GPU."""
        return self.name == "tensorrt-rtx"

    def targets(self) -> tuple[str, ...]:
        """Return the GPU generations that can be built for, as "SM89"; RTX only."""
        names = [n for n in dir(self.module.ComputeCapability) if n.startswith("SM")]
        return tuple(sorted(names, key=lambda name: int(name[2:])))


def load_tensorrt(name: TensorRtName) -> TensorRt:
    """Import TensorRT.

    Raises:
        EngineError: it is not installed or does not start here; the sentence says what to do.
    """
    remedy = f"install it with: {install_command(EXTRAS[name])}"
    problem = ""
    for module_name in MODULES[name]:
        try:
            return TensorRt(name, cast("Module", importlib.import_module(module_name)))
        except ModuleNotFoundError as error:
            problem = problem or str(error)
        except (ImportError, OSError, RuntimeError) as error:
            # Installed, but one of its libraries is not.
            raise EngineError(
                f"{_TITLES[name]} cannot start here ({str(error).splitlines()[0]}); {remedy}."
            ) from error
    raise EngineError(f"The backend {name} needs {_TITLES[name]} ({problem}); {remedy}.")


def make_logger(tensorrt: TensorRt) -> tuple[object, list[str]]:
    """Return a logger for TensorRT and the list that receives its errors; warnings go to our log.

    TensorRT calls it from any of its threads.
    """
    base: Any = tensorrt.module.ILogger
    errors: list[str] = []

    class CollectingLogger(base):  # type: ignore[misc]
        """Keeps errors for the sentence that tells the user."""

        def __init__(self) -> None:
            base.__init__(self)  # pybind11 wants the very class

        def log(self, severity: object, message: str) -> None:
            if severity in (base.ERROR, base.INTERNAL_ERROR):
                errors.append(message)
                log.engine.error("%s: %s", tensorrt.title, message)
            elif severity == base.WARNING:
                log.engine.info("%s: %s", tensorrt.title, message)

    return CollectingLogger(), errors
