"""What the wrapper uses exists, with these argument names, in every TensorRT that it is for.

tensorrt_api.json was recorded from the real bindings by record_api.py, whose docstring has the
recipe. mypy keeps the code to the protocols; this keeps the protocols to TensorRT.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from rfviewer.engine.backends import tensorrt_api
from tests.engine_plans import record_api

RECORDED = json.loads((Path(__file__).parent / "tensorrt_api.json").read_text())
ALL = [entry for entries in RECORDED.values() for entry in entries]
RTX_ONLY = {"RtxBuilderConfig": "IBuilderConfig"}
PROTOCOLS = {
    name: value
    for name, value in vars(tensorrt_api).items()
    if getattr(value, "__module__", "") == tensorrt_api.__name__ and isinstance(value, type)
}


def members_of(protocol: type) -> set[str]:
    """Return the names of a protocol (typing.get_protocol_members is of Python 3.13)."""
    return set(protocol.__protocol_attrs__)


def arguments(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def accepts(overloads: list[list[str]], wanted: list[str]) -> bool:
    """Return whether an overload starts with these arguments; the others have defaults."""
    return any(known[: len(wanted)] == wanted for known in overloads)


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry["version"])
@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"Module", *RTX_ONLY}))
def test_protocol_members_exist(entry: dict[str, Any], name: str) -> None:
    known = entry["classes"][name]
    for member in members_of(PROTOCOLS[name]):
        assert member in known, f"{name}.{member}"
        value = getattr(PROTOCOLS[name], member, None)
        if inspect.isfunction(value):
            assert accepts(known[member], arguments(value)), f"{name}.{member}: {known[member]}"


@pytest.mark.parametrize("entry", RECORDED["tensorrt-rtx"], ids=lambda entry: entry["version"])
def test_rtx_only_members_exist(entry: dict[str, Any]) -> None:
    for name, real in RTX_ONLY.items():
        known = entry["classes"][real]
        for member in members_of(PROTOCOLS[name]):
            assert member in known
        assert accepts(known["set_compute_capability"], ["self", "compute_capability", "index"])
    assert {"SM75", "SM80", "SM86", "SM89", "SM120"} <= set(entry["classes"]["ComputeCapability"])
    assert "SM90" not in entry["classes"]["ComputeCapability"]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry["version"])
def test_members_of_the_untyped_classes_exist(entry: dict[str, Any]) -> None:
    for name, members in tensorrt_api.MEMBERS.items():
        assert set(members) <= set(entry["classes"][name]), name
    assert ["self", "phase_name", "parent_phase", "num_steps"] in entry["classes"][
        "IProgressMonitor"
    ]["phase_start"]
    assert ["self", "phase_name", "step"] in entry["classes"]["IProgressMonitor"]["step_complete"]
    assert ["self", "severity", "msg"] in entry["classes"]["ILogger"]["log"]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry["version"])
def test_the_package_has_the_classes(entry: dict[str, Any]) -> None:
    wanted = members_of(tensorrt_api.Module) - {"__version__", "ComputeCapability"}
    assert wanted <= set(entry["classes"])
    for name, order in (
        ("Builder", ["self", "logger"]),
        ("Runtime", ["self", "logger"]),
        ("OnnxParser", ["self", "network", "logger"]),
    ):
        assert accepts(entry["classes"][name]["__init__"], order)


@pytest.mark.needs_tensorrt_rtx
def test_the_record_is_what_the_installed_bindings_say() -> None:
    import tensorrt_rtx_bindings

    recorded = RECORDED["tensorrt-rtx"][0]
    if tensorrt_rtx_bindings.__version__ != recorded["version"]:
        pytest.skip(f"TensorRT for RTX {tensorrt_rtx_bindings.__version__} is installed")
    assert record_api.describe(tensorrt_rtx_bindings) == recorded
