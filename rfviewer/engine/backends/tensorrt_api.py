"""The part of TensorRT's Python interface that rfviewer uses, for both of its flavours.

Every name here exists in TensorRT 10.16 and 11.4 and in TensorRT for RTX 1.7, with these argument
names, except what is marked "RTX only" (tests/engine_plans/tensorrt_api.json, recorded from the
real bindings). Code that speaks to TensorRT is typed against these protocols, so mypy keeps it to
them.
"""

# ruff: noqa: D102, ANN401 - TensorRT documents its methods; its enums have no types

from collections.abc import Buffer, Sequence
from typing import Any, Protocol


class ITensor(Protocol):
    """A value of a network."""

    name: str
    dtype: Any
    shape: Sequence[int]


class ILayer(Protocol):
    """An operation of a network."""

    type: Any

    @property
    def num_outputs(self) -> int: ...
    def get_output(self, index: int) -> ITensor: ...


class INetworkDefinition(Protocol):
    """A network as parsed."""

    @property
    def num_layers(self) -> int: ...
    @property
    def num_inputs(self) -> int: ...
    @property
    def num_outputs(self) -> int: ...
    def get_layer(self, index: int) -> ILayer: ...
    def get_input(self, index: int) -> ITensor: ...
    def get_output(self, index: int) -> ITensor: ...


class ParserError(Protocol):
    """One complaint of the parser."""

    def desc(self) -> str: ...


class OnnxParser(Protocol):
    """Reads an ONNX model into a network."""

    @property
    def num_errors(self) -> int: ...
    def parse(self, model: Buffer) -> bool: ...
    def get_error(self, index: int) -> ParserError: ...


class IBuilderConfig(Protocol):
    """How to build."""

    progress_monitor: Any

    def clear_flag(self, flag: Any) -> None: ...
    def get_flag(self, flag: Any) -> bool: ...


class RtxBuilderConfig(IBuilderConfig, Protocol):
    """RTX only: an engine may be built for GPUs that are not here."""

    num_compute_capabilities: int

    def set_compute_capability(self, compute_capability: Any, index: int) -> bool: ...


class IHostMemory(Protocol):
    """A finished plan in memory; also a buffer."""

    @property
    def nbytes(self) -> int: ...


class Builder(Protocol):
    """Builds plans."""

    def create_network(self, flags: int) -> INetworkDefinition: ...
    def create_builder_config(self) -> IBuilderConfig: ...
    def build_serialized_network(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> IHostMemory | None: ...


class IExecutionContext(Protocol):
    """One stream's worth of an engine: addresses and scratch memory."""

    def set_tensor_address(self, name: str, memory: int) -> bool: ...
    def infer_shapes(self) -> list[str]: ...
    def execute_async_v3(self, stream_handle: int) -> bool: ...


class ICudaEngine(Protocol):
    """A loaded plan."""

    @property
    def num_io_tensors(self) -> int: ...
    @property
    def device_memory_size_v2(self) -> int: ...
    def get_tensor_name(self, index: int) -> str: ...
    def get_tensor_mode(self, name: str) -> Any: ...
    def get_tensor_dtype(self, name: str) -> Any: ...
    def get_tensor_shape(self, name: str) -> Sequence[int]: ...
    def create_execution_context(self) -> IExecutionContext | None: ...


class Runtime(Protocol):
    """Loads plans."""

    def deserialize_cuda_engine(self, serialized_engine: Buffer) -> ICudaEngine | None: ...


type _Builder = Builder
type _OnnxParser = OnnxParser
type _Runtime = Runtime


class Module(Protocol):
    """The imported package. Classes that are only subclassed or compared are Any."""

    __version__: str
    BuilderFlag: Any
    ComputeCapability: Any
    """RTX only."""
    DataType: Any
    ILogger: Any
    IProgressMonitor: Any
    LayerType: Any
    NetworkDefinitionCreationFlag: Any
    TensorIOMode: Any

    def Builder(self, logger: object) -> _Builder: ...  # noqa: N802 - TensorRT's name
    def OnnxParser(self, network: INetworkDefinition, logger: object) -> _OnnxParser: ...  # noqa: N802
    def Runtime(self, logger: object) -> _Runtime: ...  # noqa: N802


MEMBERS: dict[str, tuple[str, ...]] = {
    "BuilderFlag": ("TF32",),
    "DataType": ("FLOAT", "HALF", "BF16"),
    "ILogger": ("ERROR", "INTERNAL_ERROR", "WARNING", "log"),
    "IProgressMonitor": ("phase_start", "phase_finish", "step_complete"),
    "LayerType": ("CONVOLUTION", "MATRIX_MULTIPLY"),
    "NetworkDefinitionCreationFlag": ("STRONGLY_TYPED",),
    "TensorIOMode": ("INPUT", "OUTPUT"),
}
"""What is used of the classes that are Any above, for the test against the recorded names."""
