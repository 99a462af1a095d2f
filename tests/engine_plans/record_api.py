"""Writes tensorrt_api.json: names and signatures of the TensorRT classes that rfviewer uses.

The full TensorRT cannot be installed without NVIDIA's own index, but its bindings can, and they
import when the libraries they want are replaced by empty functions. Recipe, on Linux with gcc:

    pip download --no-deps tensorrt-cu13-bindings==10.16.1.11 -d wheels
    pip download --no-deps tensorrt-cu13-bindings==11.4.0.106 -d wheels
    unzip -d trt10 wheels/tensorrt_cu13_bindings-10.*.whl
    unzip -d trt11 wheels/tensorrt_cu13_bindings-11.*.whl
    python tests/engine_plans/record_api.py trt10 trt11 > tests/engine_plans/tensorrt_api.json

and with tensorrt-rtx-cu13-libs and tensorrt-rtx-cu13-bindings installed, which need no stand-in.
"""

import argparse
import importlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CLASSES = (
    "Builder",
    "BuilderFlag",
    "ComputeCapability",
    "DataType",
    "IBuilderConfig",
    "ICudaEngine",
    "IExecutionContext",
    "IHostMemory",
    "ILayer",
    "ILogger",
    "INetworkDefinition",
    "IProgressMonitor",
    "ITensor",
    "LayerType",
    "Logger",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "OnnxParser",
    "ParserError",
    "Runtime",
    "TensorIOMode",
    "TensorLocation",
)
FUNCTIONS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
"""What the bindings import from the libraries (`nm -D --undefined-only tensorrt.so`)."""


def describe(module):
    """Return {class: {member: [signature, ...]}}; no signature for plain attributes."""
    return {
        "version": module.__version__,
        "classes": {
            name: {
                member: signatures(getattr(getattr(module, name), member), member)
                for member in sorted(dir(getattr(module, name)))
                if not member.startswith("_") or member == "__init__"
            }
            for name in CLASSES
            if hasattr(module, name)
        },
    }


def signatures(value, name):
    """Return the argument names of every overload, from pybind's docstring."""
    text = value.__doc__ or ""
    found = re.findall(rf"^(?:\d+\. )?{re.escape(name)}\((.*)\)(?: ->|$)", text, re.MULTILINE)
    return [re.findall(r"(?:^|, )(\w+): ", arguments) for arguments in found if "self" in arguments]


def inspect_with_stand_ins(folder):
    """Return `describe` of the unpacked bindings in `folder`, from a child process."""
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "stand_in.c"
        source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in FUNCTIONS))
        binding = folder / "tensorrt_bindings" / "tensorrt.so"
        listing = subprocess.run(
            ["readelf", "-d", str(binding)], capture_output=True, text=True, check=True
        )
        for name in re.findall(r"\[(libnv\w+\.so\.\d+)\]", listing.stdout):
            target = str(Path(work) / name)
            subprocess.run(
                ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", target, str(source)],
                check=True,
            )
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "--inside", "tensorrt_bindings"],
            env={"LD_LIBRARY_PATH": work, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--inside")
    arguments = parser.parse_args()
    if arguments.inside:
        found = describe(importlib.import_module(arguments.inside))
    else:
        found = {"tensorrt": [inspect_with_stand_ins(f.resolve()) for f in arguments.folders]}
        found["tensorrt-rtx"] = [describe(importlib.import_module("tensorrt_rtx_bindings"))]
    sys.stdout.write(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
