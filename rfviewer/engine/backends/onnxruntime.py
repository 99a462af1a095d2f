"""ONNX Runtime: the backend that always works. On the CPU; on a GPU where the package is for one.

Loads a `ModelSpec`, also a weightless graph whose weights come from its `WeightStore`, and binds
preallocated buffers, so that a run allocates nothing on our side.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

from rfviewer.config import EngineConfig, cpu_threads_limit
from rfviewer.engine.backends.base import BoundNetwork, RawOutputs
from rfviewer.engine.backends.onnx_precision import weight_precision
from rfviewer.engine.backends.onnx_session import OrtSession, open_session
from rfviewer.errors import EngineError, ModelError
from rfviewer.models.spec import F32Array, ModelSpec
from rfviewer.onnx_runtime import onnxruntime

_OUTPUTS = {
    "dets": "pred_boxes",
    "labels": "pred_logits",
    "masks": "pred_masks",
    "pred_boxes": "pred_boxes",
    "pred_logits": "pred_logits",
    "pred_masks": "pred_masks",
}
"""RF-DETR's export calls boxes `dets` and class logits `labels`; renamed here, at the edge."""


class OrtBackend:
    """An ONNX Runtime session. Made on the engine thread; bound networks run anywhere.

    Inputs and outputs lie on the host in either case.

    Raises:
        ModelError: the graph cannot be loaded, or is not an RF-DETR graph.
        EngineError: the requested precision is not the graph's.
    """

    name = "onnxruntime"

    def __init__(
        self, spec: ModelSpec, config: EngineConfig, progress: Callable[[str], None]
    ) -> None:
        if spec.onnx_path is None:
            raise EngineError(
                f"The backend onnxruntime needs an ONNX graph of {spec.name}; export it to .onnx."
            )
        progress("Reading the model")
        self.precision = weight_precision(spec.onnx_path)
        if config.precision not in {"auto", self.precision}:
            raise EngineError(
                f"{spec.name} is {self.precision} and the backend onnxruntime runs a graph as it"
                f" is, so precision {config.precision} cannot be had; choose auto."
            )
        threads = config.threads or cpu_threads_limit() or _cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._weights = _add_weights(options, spec)  # ONNX Runtime reads them in place
        progress("Loading the network")
        opened = _load(spec, options, cuda=config.cuda)
        self._session: Any = opened.session
        on_cpu = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
        self.device = "NVIDIA GPU" if opened.on_gpu else on_cpu
        self.place = opened.place
        self._input_name = _input_name(self._session, spec)
        progress("Warming up")
        self._shapes = self._discover(spec)

    def bind(self) -> BoundNetwork:
        """Allocate one more set of buffers and bind them."""
        session, binding = self._session, self._session.io_binding()
        network_input = np.zeros(self._input_shape, np.float32)
        binding.bind_input(
            self._input_name, "cpu", 0, np.float32, network_input.shape, network_input.ctypes.data
        )
        outputs: dict[str, F32Array] = {}
        for graph_name, shape in self._shapes.items():
            buffer = np.zeros(shape, np.float32)
            binding.bind_output(graph_name, "cpu", 0, np.float32, shape, buffer.ctypes.data)
            outputs[_OUTPUTS[graph_name]] = buffer[0]
        run = session.run_with_iobinding
        return BoundNetwork(network_input, _raw(outputs), lambda: run(binding))

    def call(self, network_input: F32Array) -> RawOutputs:
        """Run the session on an array and return new ones."""
        values = self._session.run(list(self._shapes), {self._input_name: network_input})
        named = zip(self._shapes, values, strict=True)
        return _raw({_OUTPUTS[name]: value[0] for name, value in named})

    def close(self) -> None:
        """Free the session and the weights."""
        self._session = None
        self._weights = ()

    def _discover(self, spec: ModelSpec) -> dict[str, tuple[int, ...]]:
        """Run once, which also warms up, and return the shape of every known output."""
        width, height = spec.input_wh
        self._input_shape = (1, 3, height, width)
        names = [output.name for output in self._session.get_outputs()]
        try:
            values = self._session.run(
                names, {self._input_name: np.zeros(self._input_shape, np.float32)}
            )
        except Exception as error:  # ONNX Runtime's errors share no base class but Exception
            raise ModelError(
                f"{spec.onnx_path} does not run on an input of 1x3x{height}x{width}"
                f" ({_first_line(error)}); export the model again."
            ) from error
        shapes = {
            name: value.shape
            for name, value in zip(names, values, strict=True)
            if name in _OUTPUTS
            and value.dtype == np.float32
            and (spec.has_masks or _OUTPUTS[name] != "pred_masks")
        }
        _check_outputs(spec, {_OUTPUTS[name]: shape for name, shape in shapes.items()})
        return shapes


def _raw(outputs: dict[str, F32Array]) -> RawOutputs:
    return RawOutputs(outputs["pred_boxes"], outputs["pred_logits"], outputs.get("pred_masks"))


def _add_weights(options: Any, spec: ModelSpec) -> tuple[Any, ...]:  # noqa: ANN401 - untyped package
    """Give a weightless graph its weights; return what must live as long as the session."""
    if spec.weights is None:
        return ()
    initializers = spec.weights.onnx_initializers()
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in initializers.values()]
    options.add_external_initializers(list(initializers), values)
    return (initializers, *values)


def _load(spec: ModelSpec, options: Any, *, cuda: bool) -> OrtSession:  # noqa: ANN401 - untyped
    if spec.onnx_path is None:
        raise AssertionError("checked at the beginning")
    try:
        return open_session(spec.onnx_path, options, cuda=cuda)
    except Exception as error:  # ONNX Runtime's errors share no base class but Exception
        raise ModelError(
            f"ONNX Runtime cannot load {spec.onnx_path} ({_first_line(error)});"
            " export or download the model again."
        ) from error


def _input_name(session: Any, spec: ModelSpec) -> str:  # noqa: ANN401 - untyped package
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        found = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
        raise ModelError(
            f"{spec.onnx_path} must take one float32 image batch, but takes {found};"
            " export the model with float32 inputs and outputs."
        )
    name: str = inputs[0].name
    return name


def _check_outputs(spec: ModelSpec, shapes: dict[str, tuple[int, ...]]) -> None:
    """Reject a graph whose float32 outputs are not those of RF-DETR."""
    boxes, logits, masks = (
        shapes.get(name, ()) for name in ("pred_boxes", "pred_logits", "pred_masks")
    )
    queries = boxes[1] if len(boxes) == 3 else 0
    good = (
        boxes == (1, queries, 4)
        and logits == (1, queries, len(spec.class_names))
        and (not spec.has_masks or (len(masks) == 4 and masks[:2] == (1, queries)))
    )
    if not good:
        wanted = f"dets 1xQx4, labels 1xQx{len(spec.class_names)}"
        wanted += ", masks 1xQxHxW" if spec.has_masks else ""
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none of them"
        raise ModelError(
            f"{spec.onnx_path} is not an RF-DETR graph: wanted the float32 outputs {wanted},"
            f" found {found}."
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


def _cores() -> int:
    """Return how many physical cores this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    physical: int | None = psutil.cpu_count(logical=False)
    return max(1, min(usable or 1, physical or usable or 1))
