"""Errors a user can act on. The message is one sentence: what, which file, what to do.

A verb that ends by `UsageError` has exit code 2, by any other 1.
"""


class RfviewerError(Exception):
    """Base of every error that is shown to the user as it is, without a traceback."""


class UsageError(RfviewerError):
    """The request itself is wrong, whatever the machine holds.

    An unknown word, option or value, something missing, options that clash. A file, model or folder
    that is not there is another error: it could be there.
    """


class SettingsError(RfviewerError):
    """A settings file is missing or wrong."""


class SourceError(RfviewerError):
    """A source cannot be opened or read."""


class UnreachableError(SourceError):
    """A source on the network does not answer now, and may do so later."""


class ModelError(RfviewerError):
    """A model is unknown, missing, broken or not supported."""


class EngineError(RfviewerError):
    """The engine cannot be built, or a requested backend or optimization cannot run here."""


class DeviceLostError(EngineError):
    """The GPU's context is dead: nothing in this process can use the GPU again, only a new process.

    Raised after an illegal access, a hung kernel, or a GPU that fell off the bus. Loading another
    model or switching something off cannot help; the session must start a new engine process.
    """


class SinkError(RfviewerError):
    """An output cannot be created or written."""


class SessionError(RfviewerError):
    """The engine process cannot be started, or has ended."""
