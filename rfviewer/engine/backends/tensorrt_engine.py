"""A plan loaded with TensorRT: its inputs and outputs checked, contexts that run on a stream.

Knows addresses and stream handles as numbers, and no torch: `tensorrt_network` owns the memory.
"""

from collections.abc import Callable, Mapping

from rfviewer.engine.backends.tensorrt_api import ICudaEngine, IExecutionContext
from rfviewer.engine.backends.tensorrt_layout import TensorLayout, dtype_word, match_layout
from rfviewer.engine.backends.tensorrt_module import TensorRt, make_logger
from rfviewer.errors import EngineError
from rfviewer.models.spec import ModelSpec


class LoadedEngine:
    """An engine on the GPU. Made, used and freed on the engine thread."""

    def __init__(self, tensorrt: TensorRt, plan: bytes, spec: ModelSpec) -> None:
        """Load the plan, which must have come from `plans.store.find_plan` just now.

        Raises:
            EngineError: TensorRT refuses it here, or it is not the network of `spec`.
        """
        self._title = f"{tensorrt.title} {tensorrt.version}"
        logger, self._errors = make_logger(tensorrt)
        # The runtime must outlive its engines.
        self._runtime = tensorrt.module.Runtime(logger)
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:  # TensorRT reports this by None and a log line, not by an exception
            raise EngineError(
                f"{self._title} cannot load the engine of {spec.name} on this GPU"
                f" ({self._last_error()}); update the driver, remove the engine with `rfviewer"
                " engine clear`, or choose backend torch."
            )
        self._engine: ICudaEngine | None = engine
        self.layout = match_layout(*_tensors(tensorrt, engine), spec)
        self.context_bytes = int(engine.device_memory_size_v2)
        """Scratch memory that each context takes."""

    def bind(self, addresses: Mapping[str, int]) -> Callable[[int], None]:
        """Return what puts one pass on a stream, given its handle; it does not wait.

        Each call makes a context with scratch memory of its own, so that passes may overlap.

        Args:
            addresses: device address of every tensor of the layout, by name; must stay valid.

        Raises:
            EngineError: there is no memory for a context, or TensorRT refuses an address.
        """
        if self._engine is None:
            raise RuntimeError("bind() of a closed engine")
        context = self._engine.create_execution_context()
        if context is None:
            raise EngineError(
                f"{self._title} cannot get {self.context_bytes / 1e6:.0f} MB of GPU memory for one"
                f" more frame in flight ({self._last_error()}); lower depth or close other"
                " programs on the GPU."
            )
        for tensor in self.layout.tensors():
            if not context.set_tensor_address(tensor.name, addresses[tensor.name]):
                raise EngineError(
                    f"{self._title} refuses the memory of {tensor.name} ({self._last_error()});"
                    " start again, or choose backend torch."
                )
        missing = context.infer_shapes()
        if missing:
            raise EngineError(
                f"{self._title} wants more inputs than an image ({', '.join(missing)});"
                " export the model again with a fixed size."
            )
        return self._runner(context)

    def close(self) -> None:
        """Free the engine; no pass may be under way. Idempotent."""
        self._engine = None

    def _runner(self, context: IExecutionContext) -> Callable[[int], None]:
        def enqueue(stream_handle: int) -> None:
            if not context.execute_async_v3(stream_handle):
                raise EngineError(
                    f"{self._title} could not start the network ({self._last_error()});"
                    " start the engine again."
                )

        return enqueue

    def _last_error(self) -> str:
        return self._errors[-1].strip().splitlines()[0][:300] if self._errors else "no reason given"


def _tensors(
    tensorrt: TensorRt, engine: ICudaEngine
) -> tuple[list[TensorLayout], list[TensorLayout]]:
    """Return (inputs, outputs) of the engine."""
    inputs: list[TensorLayout] = []
    outputs: list[TensorLayout] = []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        is_input = engine.get_tensor_mode(name) == tensorrt.module.TensorIOMode.INPUT
        shape = tuple(int(size) for size in engine.get_tensor_shape(name))
        word = dtype_word(tensorrt, engine.get_tensor_dtype(name))
        (inputs if is_input else outputs).append(TensorLayout(name, shape, word))
    return inputs, outputs
