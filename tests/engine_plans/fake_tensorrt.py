"""A stand-in for TensorRT's bindings, both for this process and for the worker's.

It "builds" by writing a line, and what it does wrong is said by files in its folder, so that a test
can change it while children run.
"""

from pathlib import Path

SOURCE = """
import enum, os, pathlib, signal, sys, time
HERE = pathlib.Path(__file__).parent
__version__ = (HERE / "version").read_text()
class DataType(enum.Enum):
    FLOAT = 0
    HALF = 1
    INT8 = 2
    BF16 = 7
class TensorIOMode(enum.Enum):
    INPUT = 1
    OUTPUT = 2
class LayerType(enum.Enum):
    CONVOLUTION = 0
    MATRIX_MULTIPLY = 1
class BuilderFlag(enum.Enum):
    TF32 = 7
class NetworkDefinitionCreationFlag(enum.IntEnum):
    STRONGLY_TYPED = 1
class ComputeCapability:
    CURRENT, SM75, SM89, SM120 = range(4)
class ILogger:
    INTERNAL_ERROR, ERROR, WARNING = range(3)
class IProgressMonitor:
    pass
class Tensor:
    def __init__(self, name, shape, dtype=DataType.FLOAT):
        self.name, self.shape, self.dtype = name, shape, dtype
class Layer:
    type, num_outputs = LayerType.MATRIX_MULTIPLY, 1
    def __init__(self, dtype):
        self.dtype = dtype
    def get_output(self, index):
        return Tensor("product", (1,), self.dtype)
class Network:
    def __init__(self, flags):
        assert flags == 2, "not strongly typed"
    def parse(self, data):
        import onnx
        graph = onnx.ModelProto.FromString(data).graph
        assert all(t.data_location == 0 and t.raw_data for t in graph.initializer)
        half = any(t.data_type == 10 for t in graph.initializer)
        self.layers = [Layer(DataType.HALF if half else DataType.FLOAT)]
        self.sides = [
            [Tensor(v.name, tuple(d.dim_value for d in v.type.tensor_type.shape.dim)) for v in side]
            for side in (graph.input, graph.output)
        ]
        self.num_layers, self.num_inputs, self.num_outputs = 1, *map(len, self.sides)
    def get_layer(self, index):
        return self.layers[index]
    def get_input(self, index):
        return self.sides[0][index]
    def get_output(self, index):
        return self.sides[1][index]
class ParserError:
    def desc(self):
        return "In node 7 (importGridSample): unsupported\\nand more"
class OnnxParser:
    num_errors = 1
    def __init__(self, network, logger):
        self.network = network
    def parse(self, model):
        self.network.parse(model)
        return not (HERE / "refuse").exists()
    def get_error(self, index):
        return ParserError()
class Config:
    num_compute_capabilities = 0
    capability = None
    flags = {BuilderFlag.TF32}
    def set_compute_capability(self, capability, index):
        self.capability = capability
        return True
    def clear_flag(self, flag):
        self.flags = self.flags - {flag}
    def get_flag(self, flag):
        return flag in self.flags
class Plan(bytes):
    nbytes = property(len)
class Builder:
    def __init__(self, logger):
        self.logger = logger
    def create_network(self, flags):
        return Network(flags)
    def create_builder_config(self):
        return Config()
    def build_serialized_network(self, network, config):
        with (HERE / "builds.log").open("a") as file:
            file.write(f"{os.getpid()}\\n")
        monitor = config.progress_monitor
        monitor.phase_start("Building", None, 2)
        monitor.phase_start("Timing", "Building", 4)
        for step in range(4):
            monitor.step_complete("Timing", step)
        monitor.phase_finish("Timing")
        while (HERE / "hang").exists():
            if not monitor.step_complete("Building", 0):
                (HERE / "gave_up").touch()
                return None
            time.sleep(0.01)
        if (HERE / "die").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        if (HERE / "fail").exists():
            self.logger.log(ILogger.ERROR, "Error Code 1: Myelin (FP32 GEMM)\\nand more")
            return None
        print("noise of a library")
        return Plan(b"plan %s %d" % (__version__.encode(), len(network.layers)) * 1000)
class Context:
    def __init__(self):
        self.addresses, self.streams = {}, []
    def set_tensor_address(self, name, memory):
        self.addresses[name] = memory
        return memory != 13
    def infer_shapes(self):
        return []
    def execute_async_v3(self, stream_handle):
        self.streams.append(stream_handle)
        return stream_handle != 13
class Engine:
    device_memory_size_v2 = 9_000_000
    tensors = {}
    contexts = []
    memory = True
    @property
    def num_io_tensors(self):
        return len(self.tensors)
    def get_tensor_name(self, index):
        return list(self.tensors)[index]
    def get_tensor_mode(self, name):
        return TensorIOMode.INPUT if name == "input" else TensorIOMode.OUTPUT
    def get_tensor_dtype(self, name):
        return self.tensors[name][1]
    def get_tensor_shape(self, name):
        return self.tensors[name][0]
    def create_execution_context(self):
        if not self.memory:
            return None
        self.contexts.append(Context())
        return self.contexts[-1]
class Runtime:
    loaded = []
    refuses = False
    def __init__(self, logger):
        self.logger = logger
    def deserialize_cuda_engine(self, serialized_engine):
        self.loaded.append(bytes(serialized_engine))
        if self.refuses:
            self.logger.log(ILogger.ERROR, "Error Code 1: cudaError 35 (old driver)")
            return None
        return Engine()
"""


def install(folder: Path, version: str = "1.7.1.116") -> Path:
    """Write both flavours into `folder`, to be put on the path; return it."""
    folder.mkdir()
    (folder / "version").write_text(version)
    for name in ("tensorrt", "tensorrt_rtx"):
        (folder / f"{name}.py").write_text(SOURCE)
    return folder


def build_pids(folder: Path) -> list[int]:
    """Return the process of every build that was started."""
    log = folder / "builds.log"
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []
