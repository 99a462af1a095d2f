"""Errors a user can act on. The message is one sentence: what, which file, what to do."""


class RfviewerError(Exception):
    """Base of every error that is shown to the user as it is, without a traceback."""


class UsageError(RfviewerError):
    """The request itself is wrong: an unknown name, a bad value, options that clash."""


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
