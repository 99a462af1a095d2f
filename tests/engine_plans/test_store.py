"""Only what this user's own builder wrote, unchanged, is ever handed out."""

import json
import os
import stat
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from rfviewer import private_files
from rfviewer.engine.backends.tensorrt_layout import TensorLayout
from rfviewer.engine.plans import store
from rfviewer.engine.plans.key import GpuIdentity, PlanKey, key_from_json, rebuild_reason
from rfviewer.engine.plans.store import (
    MANIFEST_FILE,
    PLAN_FILE,
    Missing,
    PlanManifest,
    StoredPlan,
    clear_plans,
    find_plan,
    list_plans,
    lock_path,
    partial_folder,
    plans_folder,
    publish,
)
from rfviewer.errors import EngineError
from rfviewer.models.export_store import file_sha256
from rfviewer.models.file_lock import file_lock
from rfviewer.private_files import NotPrivateError, read_private

KEY = PlanKey(
    model_sha256="ab" * 32,
    backend="tensorrt",
    backend_version="11.4.0.106",
    gpu=GpuIdentity(name="NVIDIA H100", sm="sm90", driver="580.65"),
    precision="fp16",
    input_wh=(312, 312),
)
OTHERS = {
    "model_sha256": replace(KEY, model_sha256="cd" * 32),
    "backend": replace(KEY, backend="tensorrt-rtx"),
    "backend_version": replace(KEY, backend_version="10.16.1.11"),
    "gpu": replace(KEY, gpu=replace(KEY.gpu, name="NVIDIA H200")),
    "sm": replace(KEY, gpu=replace(KEY.gpu, sm="sm89")),
    "driver": replace(KEY, gpu=replace(KEY.gpu, driver="590.1")),
    "precision": replace(KEY, precision="fp32"),
    "input_wh": replace(KEY, input_wh=(312, 384)),
    "schema": replace(KEY, schema=KEY.schema + 1),
}
PLAN = b"a plan" * 1000


def put(key: PlanKey = KEY, data: bytes = PLAN, model: str = "demo") -> Path:
    """Store an engine as a build does; return its folder."""
    partial = partial_folder(key)
    (partial / PLAN_FILE).write_bytes(data)
    (partial / "worker.log").write_text("noise")
    tensor = TensorLayout("input", (1, 3, 312, 312), "fp32")
    manifest = PlanManifest(
        key=key,
        model=model,
        precision=key.precision,
        inputs=(tensor,),
        outputs=(),
        plan_sha256=file_sha256(partial / PLAN_FILE),
        plan_bytes=len(data),
        seconds=1.5,
        created="2026-11-23T08:00:00+00:00",
    )
    publish(partial, manifest)
    return plans_folder() / key.digest


def test_what_is_stored_is_found(cache: Path) -> None:
    folder = put()
    found = find_plan(KEY, "demo")
    assert isinstance(found, StoredPlan)
    assert found.data == PLAN
    assert found.manifest.key == KEY
    assert found.manifest.inputs[0].shape == (1, 3, 312, 312)
    assert sorted(p.name for p in folder.iterdir()) == [PLAN_FILE, MANIFEST_FILE]
    assert [manifest for _, manifest in list_plans()] == [found.manifest]


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_everything_is_private(cache: Path) -> None:
    folder = put()
    assert stat.S_IMODE(plans_folder().stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / PLAN_FILE).stat().st_mode) == 0o600


def test_every_part_of_the_key_counts() -> None:
    digests = {KEY.digest, *(key.digest for key in OTHERS.values())}
    assert len(digests) == 1 + len(OTHERS)
    assert {spec.name for spec in fields(PlanKey)} <= OTHERS.keys()


@pytest.mark.parametrize("name", OTHERS)
def test_an_engine_of_another_key_is_not_found(cache: Path, name: str) -> None:
    put(OTHERS[name])
    found = find_plan(KEY, "demo")
    assert isinstance(found, Missing)
    changed = name != "backend"  # another backend's engine is no earlier version of this one
    assert ("changed from" in found.reason) == changed


def test_the_reason_names_the_smallest_change() -> None:
    far = replace(OTHERS["driver"], precision="fp32")
    reason = rebuild_reason(KEY, [far, OTHERS["driver"]])
    assert reason == "the driver changed from 590.1 to 580.65"
    assert rebuild_reason(KEY, []) == "there was none for this model yet"


def test_engines_of_other_models_are_no_reason(cache: Path) -> None:
    put(OTHERS["model_sha256"], model="mine.onnx")
    assert find_plan(KEY, "demo") == Missing("there was none for this model yet")


def test_key_survives_json() -> None:
    assert key_from_json(json.loads(json.dumps(asdict(KEY)))) == KEY


@pytest.mark.parametrize("change", [{"input_wh": 3}, {"gpu": "H100"}, {"backend": 1}, {"new": "x"}])
def test_damaged_keys_are_refused(change: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        key_from_json({**json.loads(json.dumps(asdict(KEY))), **change})


def break_plan(folder: Path, how: str, outside: Path) -> None:
    plan = folder / PLAN_FILE
    if how == "changed byte":
        plan.write_bytes(PLAN[:500] + b"!" + PLAN[501:])
    elif how == "cut":
        plan.write_bytes(PLAN[: len(PLAN) // 2])
    elif how == "gone":
        plan.unlink()
    elif how == "linked file":
        plan.symlink_to(plan.rename(outside))
    elif how == "linked folder":
        folder.symlink_to(folder.rename(outside))
    elif how == "hard link":
        outside.hardlink_to(plan)
    elif how == "pipe":
        plan.unlink()
        os.mkfifo(plan)
    elif how == "writable file":
        plan.chmod(0o666)
    elif how == "writable folder":
        folder.chmod(0o777)
    elif how == "no side file":
        (folder / MANIFEST_FILE).unlink()
    elif how == "text as side file":
        (folder / MANIFEST_FILE).write_text("hello")
    elif how == "list as side file":
        (folder / MANIFEST_FILE).write_text("[]")
    elif how == "binary side file":
        (folder / MANIFEST_FILE).write_bytes(b"\xff\xfe\x00")
    else:
        side_file = folder / MANIFEST_FILE
        values = json.loads(side_file.read_text())
        values["key"]["gpu"]["driver"] = "590.1"
        side_file.write_text(json.dumps(values))


@pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes of POSIX")
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("changed byte", "was changed or cut since it was built"),
        ("cut", "was changed or cut since it was built"),
        ("gone", "is not complete"),
        ("linked file", "is a link"),
        ("linked folder", "is a link"),
        ("hard link", "is a hard link to another file"),
        ("pipe", "is not a plain file"),
        ("writable file", "can be written by other users"),
        ("writable folder", "can be written by other users"),
        ("no side file", "is not complete"),
        ("text as side file", "has a side file that cannot be understood"),
        ("list as side file", "has a side file that cannot be understood"),
        ("binary side file", "has a side file that cannot be understood"),
        ("side file of another GPU", "belongs to another model, GPU or version"),
    ],
)
def test_damaged_and_foreign_engines_are_refused_and_replaced(
    cache: Path, tmp_path: Path, how: str, reason: str
) -> None:
    break_plan(put(), how, tmp_path / "outside")
    found = find_plan(KEY, "demo")
    assert isinstance(found, Missing)
    assert found.reason.startswith(f"the stored engine {reason}")
    put()
    assert isinstance(find_plan(KEY, "demo"), StoredPlan)
    assert [p.name for p in plans_folder().iterdir()] == [KEY.digest]


@pytest.mark.skipif(os.name != "posix", reason="owners of POSIX")
def test_engines_of_another_user_are_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put()
    monkeypatch.setattr(private_files.os, "getuid", lambda: os.stat(folder).st_uid + 1)  # noqa: PTH116
    with pytest.raises(NotPrivateError, match="belongs to another user"):
        read_private(folder / PLAN_FILE)
    with pytest.raises(EngineError, match="belongs to another user, so nothing in it"):
        find_plan(KEY, "demo")


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_folder_open_to_others_is_refused(cache: Path) -> None:
    put()
    plans_folder().chmod(0o777)
    with pytest.raises(EngineError, match=r"engines can be written by other users.*remove it"):
        find_plan(KEY, "demo")


def test_a_builder_that_died_leaves_nothing_for_long(cache: Path) -> None:
    first = partial_folder(KEY)
    (first / PLAN_FILE).write_bytes(b"half")
    second = partial_folder(KEY)
    assert first.name != second.name
    assert not first.exists()
    assert list(list_plans()) == []


def test_clear_spares_what_is_being_built(cache: Path) -> None:
    put()
    put(OTHERS["precision"])
    building = partial_folder(OTHERS["driver"])
    with file_lock(lock_path(OTHERS["driver"]), lambda: None):
        count, size = clear_plans()
        assert building.exists()
    assert count == 2
    assert size > 2 * len(PLAN)
    assert list(list_plans()) == []
    assert clear_plans() == (0, 0)
    assert not building.exists()


def test_the_cache_does_not_grow_for_ever(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_STORE_BYTES", 2.5 * len(PLAN))
    keys = [replace(KEY, precision=str(number)) for number in range(3)]
    now = time.time()
    for age, key in zip((100, 50), keys, strict=False):
        os.utime(put(key), (now - age, now - age))
    assert isinstance(find_plan(keys[0], "demo"), StoredPlan)  # used: now the newest
    put(keys[2])
    left = {manifest.key for _, manifest in list_plans()}
    assert left == {keys[0], keys[2]}
