"""Child process that turns an RF-DETR checkpoint into ONNX; the only place that runs `rfdetr`.

Run by its path with `python -P`, so that neither the current folder nor this one can shadow a
module, and torch never loads into the viewer's own processes. Therefore it imports nothing of
rfviewer. A checkpoint is only ever read with `torch.load(weights_only=True)`: no pickle code runs.

Speaks JSON lines on stdout: {"step", "index", "count"} while it works, then one of {"error"} (a
sentence for the user) and {"done": {...}}. Everything that libraries print goes to stderr.
Writes `model.onnx` into the folder --output, which it owns until it exits.
"""

import argparse
import hashlib
import http.client
import importlib
import json
import os
import re
import shutil
import sys
import traceback
import types
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, TextIO

_COUNT = 4
_OLDEST_TORCH = (2, 10)
"""First torch whose weights-only loader has no known hole (CVE-2026-24747)."""
_MAX_DOWNLOAD_BYTES = 4_000_000_000
_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30
_INSTALL = "`rfviewer doctor` says how to install it"


class Refused(Exception):  # noqa: N818 - carries the sentence for the user
    """The request cannot be done; the message is one sentence."""


class Reporter:
    """Writes the protocol to the real stdout and sends all other output to stderr."""

    def __init__(self) -> None:
        self._stream: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def step(self, index: int, text: str) -> None:
        """Tell what is being done now."""
        self._send({"step": text, "index": index, "count": _COUNT})

    def error(self, sentence: str) -> None:
        """Tell why it failed."""
        self._send({"error": sentence})

    def done(self, result: dict[str, Any]) -> None:
        """Tell what the network is."""
        self._send({"done": result})

    def _send(self, message: dict[str, Any]) -> None:
        self._stream.write(json.dumps(message) + "\n")
        self._stream.flush()


def main() -> int:
    """Export as the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--opset", type=int, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--official-class", default="")
    parser.add_argument("--download-name", default="")
    arguments = parser.parse_args()
    reporter = Reporter()
    try:
        result = _export(arguments, reporter)
    except Refused as error:
        reporter.error(str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort of this process
        traceback.print_exc()
        detail = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        reporter.error(f"{arguments.checkpoint.name} cannot be exported to ONNX ({detail}).")
        return 1
    reporter.done(result)
    return 0


def _export(arguments: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    # Written, not read: building a network from a checkpoint must not reach for the internet.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # noqa: TID251
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251
    checkpoint: Path = arguments.checkpoint
    reporter.step(1, "Starting PyTorch")
    torch, rfdetr = _import_packages()
    if arguments.download_name:
        _provide(checkpoint, arguments.download_name, reporter)
    reporter.step(3, "Building the network")
    check_weights_only(torch, checkpoint)
    network = _build(rfdetr, checkpoint, arguments.official_class)
    reporter.step(4, "Exporting to ONNX")
    written = Path(
        network.export(
            output_dir=str(arguments.output),
            opset_version=arguments.opset,
            output_name="model",
            verbose=False,
        )
    )
    written.replace(arguments.output / "model.onnx")
    names = network.model.class_names
    return {
        "class_names": list(names) if names else None,
        "num_select": int(network.model_config.num_select),
        "torch": str(torch.__version__),
    }


def _import_packages() -> tuple[Any, Any]:
    try:
        import torch

        version = tuple(int(part) for part in torch.__version__.split(".")[:2])
        if version < _OLDEST_TORCH:
            needed = ".".join(map(str, _OLDEST_TORCH))
            raise Refused(
                f"Reading checkpoints needs torch {needed} or newer, found {torch.__version__};"
                " older ones can be tricked into running code from a weights file."
            )
        import onnx  # noqa: F401 - torch's exporter needs it and would fail late without
        import rfdetr
    except ImportError as error:
        raise Refused(f"Checkpoints need the models extra ({error}); {_INSTALL}.") from error
    return torch, rfdetr


def check_weights_only(torch: Any, path: Path) -> None:  # noqa: ANN401 - a module
    """Refuse a checkpoint that holds anything but weights and plain values.

    Namespaces of plain values are let in: RF-DETR's own early checkpoints carry their arguments so.

    Raises:
        Refused: it holds Python code, is damaged, or is no RF-DETR checkpoint.
    """
    plain = [argparse.Namespace, types.SimpleNamespace]
    try:
        with torch.serialization.safe_globals(plain):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        text = str(error)
        if re.search(r"unsupported |can only |unrecognized function", text, re.IGNORECASE):
            raise Refused(
                f"{path} holds Python code besides weights ({_culprit(text)}) and is refused;"
                " save it again as weights only, or export it to ONNX where it was made."
            ) from error
        raise Refused(f"{path} is not a readable checkpoint; download or save it again.") from error
    if not isinstance(content, dict) or not ({"model", "state_dict"} & set(content)):
        raise Refused(f"{path} is not an RF-DETR checkpoint: it has no entry model.")


def _culprit(text: str) -> str:
    """Return "os.system" from the loader's message about it."""
    found = re.search(r"GLOBAL ([\w.]{1,80})", text)
    return found[1] if found else "a pickled object"


def _build(rfdetr: Any, checkpoint: Path, official_class: str) -> Any:  # noqa: ANN401 - rfdetr's
    if not official_class:
        try:
            return rfdetr.RFDETR.from_checkpoint(str(checkpoint), device="cpu")
        except ValueError as error:
            if "infer model class" not in str(error):
                raise
            raise Refused(
                f"{checkpoint} does not say which RF-DETR model it is; rename it so that its name"
                " contains one, for example my-seg-nano.pth."
            ) from error
    try:
        model_class = getattr(rfdetr, official_class)
    except (AttributeError, ImportError) as error:
        raise Refused(
            f"{official_class} is not in the installed rfdetr; install it with: pip install"
            " 'rfdetr[plus]'."
        ) from error
    return model_class(pretrain_weights=str(checkpoint), device="cpu")


def _provide(checkpoint: Path, name: str, reporter: Reporter) -> None:
    """Make sure that the official checkpoint `name` lies at `checkpoint`, with the right MD5."""
    asset = _asset(name)
    if checkpoint.is_file() and _md5(checkpoint) == asset.md5_hash:
        return
    from rfdetr.assets import get_model_cache_dir

    partial = checkpoint.with_name(checkpoint.name + ".partial")
    cached = Path(get_model_cache_dir()) / name
    try:
        if cached.is_file() and _md5(cached) == asset.md5_hash:
            reporter.step(2, f"Copying {name}")
            shutil.copyfile(cached, partial)
        else:
            _download(asset.url, name, partial, reporter)
        if _md5(partial) != asset.md5_hash:
            raise Refused(
                f"The download of {name} is damaged or was changed on the way (its MD5 differs);"
                " try again."
            )
        partial.replace(checkpoint)
    finally:
        partial.unlink(missing_ok=True)


def _asset(name: str) -> Any:  # noqa: ANN401 - rfdetr's ModelWeightAsset
    from rfdetr.assets import ModelWeights

    asset = ModelWeights.from_filename(name)
    if asset is None:
        try:
            plus = importlib.import_module("rfdetr_plus.assets")
        except ImportError as error:
            raise Refused(
                f"{name} needs the plus extension; install it with: pip install 'rfdetr[plus]'."
            ) from error
        asset = plus.ModelWeights.from_filename(name)
    if asset is None or not asset.md5_hash:
        raise Refused(f"The installed rfdetr does not know {name}; update it.")
    return asset


def _download(url: str, name: str, target: Path, reporter: Reporter) -> None:
    _check_address(url)
    reporter.step(2, f"Downloading {name}")
    try:
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response,
            target.open("wb") as file,
        ):
            _check_address(response.url)
            size = int(response.headers.get("Content-Length") or 0)
            received = 0
            while chunk := response.read(_CHUNK_BYTES):
                received += len(chunk)
                if received > _MAX_DOWNLOAD_BYTES:
                    raise Refused(f"The download of {name} is far larger than any checkpoint.")
                file.write(chunk)
                total = f" of {size / 1e6:.0f}" if size else ""
                reporter.step(2, f"Downloading {name}: {received / 1e6:.0f}{total} MB")
            file.flush()
            os.fsync(file.fileno())
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
    ) as error:
        reason = getattr(error, "reason", error)
        host = urllib.parse.urlsplit(url).hostname
        raise Refused(
            f"{name} cannot be downloaded from {host} ({reason}); check the network and try again."
        ) from error


def _check_address(url: str) -> None:
    """Refuse an address that is not encrypted, unless it is this machine's own."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost"}:
        raise Refused(f"Weights are only downloaded over https, not from {url}.")


def _md5(path: Path) -> str:
    """Return the MD5 that rfdetr publishes; it guards against damage, https against forgery."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
