"""How to install rfviewer with one of its extras, for the sentences that say so.

rfviewer is installed from its own folder, not by name from a registry: a bare
`pip install 'rfviewer[gpu]'` would find nothing, or something else of that name.
"""

import json
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def install_command(extra: str = "") -> str:
    """Return what installs rfviewer with `extra` ("gpu", "models", "rtx"; empty for none).

    Names the folder this installation came from if it is still there; a command without one says
    in which folder to run it.
    """
    suffix = f"[{extra}]" if extra else ""
    folder, editable = _source_folder()
    if folder is None:
        return f"pip install '.{suffix}' in rfviewer's folder"
    return f"pip install {'-e ' if editable else ''}'{folder}{suffix}'"


def _source_folder() -> tuple[Path | None, bool]:
    """Return where this installation came from, and whether it runs from there."""
    here = Path(__file__).parents[1]
    if (here / "pyproject.toml").is_file():
        return here, True
    try:
        # PEP 610: pip notes there what was asked for, if it was a folder or an address.
        text = metadata.distribution("rfviewer").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None, False
    address = urlsplit(json.loads(text)["url"]) if text else None
    if address is None or address.scheme != "file":
        return None, False
    folder = Path(url2pathname(address.path))
    return (folder, False) if (folder / "pyproject.toml").is_file() else (None, False)
