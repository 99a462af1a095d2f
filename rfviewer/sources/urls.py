"""Network addresses that the user typed: which are understood, and how they are opened."""

import re

from rfviewer.allowed_media import URL_FORMATS, URL_PROTOCOLS, host_of
from rfviewer.errors import UsageError
from rfviewer.frame import SourceKind
from rfviewer.sources.explain import printable
from rfviewer.sources.media import Target

_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_ASKING = ("rtsp", "rtsps", "http", "https")
"""Schemes that ask a server; of the others, an address without a host waits for who sends."""
_TIMEOUTS_S = (3.0, 3.0)
"""To connect and, again, to learn what is sent; then for each packet. A silent camera is noticed
within 6 s, and a blocked reader can be closed within 3."""


def is_url(text: str) -> bool:
    """Tell whether `text` is an address of any scheme, understood or not."""
    return _URL.fullmatch(text) is not None


def without_secrets(url: str) -> str:
    """Return `url` fit to be shown: no user, no password, no keys in the query."""
    match = _URL.fullmatch(url)
    if match is None:
        return printable(url)
    return printable(f"{match['scheme'].lower()}://{match['rest']}")


def target_of(url: str) -> Target:
    """Return how to open `url`.

    Raises:
        UsageError: when its scheme is not understood, or it names no server.
    """
    match = _URL.fullmatch(url)
    scheme = match["scheme"].lower() if match else ""
    shown = without_secrets(url)
    if match is None or scheme not in URL_PROTOCOLS:
        known = ", ".join(URL_PROTOCOLS)
        raise UsageError(f"{shown} is no address that can be opened; understood are {known}.")
    if scheme in _ASKING and not host_of(shown):
        raise UsageError(f"{shown} names no server; write one behind the {scheme}://.")
    options = {"analyzeduration": "1500000"}
    if scheme.startswith("rtsp"):
        options["rtsp_flags"] = "prefer_tcp"
    return Target(
        location=f"{scheme}://{match['rest']}",
        uri=shown,
        name=_short_name(shown),
        kind=SourceKind.STREAM,
        formats=URL_FORMATS,
        protocols=URL_PROTOCOLS[scheme],
        options=options,
        timeouts_s=_TIMEOUTS_S,
    )


def _short_name(shown: str) -> str:
    """Return the host and the last part of the path, without port and query."""
    path = shown.partition("://")[2].partition("?")[0].partition("/")[2]
    last = path.rstrip("/").rpartition("/")[2]
    return f"{host_of(shown)} {last}".strip()
