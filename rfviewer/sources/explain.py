"""One sentence for each way in which a source can fail. No secrets, no error numbers."""

import errno
import os
import re

import av.error

from rfviewer.log import redact

_DOWN = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return `text` fit for titles, messages and logs.

    Names of files are bytes: what is no UTF-8, and control and bidirectional characters, become
    the replacement character. Credentials in URLs are removed.
    """
    readable = os.fsencode(text).decode("utf-8", "replace")
    return redact(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", readable))


def why_not_opened(error: Exception, subject: str, *, remote: bool) -> str:
    """Return one sentence that says why `subject`, already printable, could not be opened."""
    if remote:
        return _why_not_reached(error, subject)
    match error:
        case FileNotFoundError():
            return f"There is no file {subject}; check the name."
        case IsADirectoryError():
            return f"{subject} is a folder without images; choose a video or a folder of images."
        case PermissionError():
            return f"{subject} may not be read by this user; change its permissions."
        case MemoryError():
            return f"{subject} needs more memory than there is; choose a smaller video."
        case av.error.InvalidDataError() | av.error.EOFError() | av.error.ArgumentError():
            return (
                f"{subject} is no video that can be read here: it is empty, damaged at its start, "
                "or of another kind; choose another file or convert it with ffmpeg."
            )
    return f"{subject} cannot be opened ({_short(error)}); choose another file."


def is_silence(error: Exception) -> bool:
    """Return whether nobody answers at an address, as while a camera or its network is down."""
    silent = av.error.ExitError | TimeoutError | ConnectionError
    return isinstance(error, silent) or getattr(error, "errno", None) in _DOWN


def _why_not_reached(error: Exception, subject: str) -> str:
    match error:
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return f"{subject} refuses the user name or password; check both."
        case PermissionError():
            return f"{subject} refuses the user name or password; check both."
        case av.error.HTTPNotFoundError():
            return f"{subject} does not exist on that server; check the path."
        case av.error.ExitError() | TimeoutError():
            return f"{subject} does not answer; check the address and the network."
        case ConnectionRefusedError():
            return f"{subject} refuses the connection; check the address and the port."
        case av.error.ProtocolNotFoundError():
            return f"{subject} needs a protocol that is not available here; use rtsp or http."
        case av.error.InvalidDataError() | av.error.ArgumentError():
            return f"{subject} does not answer as a video server does; check the address."
    return f"{subject} cannot be reached or read ({_short(error)}); check the address."


def _short(error: Exception) -> str:
    """Return the system's words for `error` without the address, which may hold a password."""
    words = getattr(error, "strerror", None)
    return str(words) if words else type(error).__name__
