"""Which form of the network runs: as loaded, or compiled where that was asked for and works."""

from rfviewer import log
from rfviewer.engine.cuda.network import CompilableNetwork, DeviceNetwork
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.interfaces import Progress

COMPILING = "Compiling the network: a minute the first time, 20 s once it is cached"


class NetworkForm:
    """Switches the form of one network. Engine thread."""

    def __init__(self, network: DeviceNetwork, progress: Progress) -> None:
        self._network = network
        self._progress = progress
        self.failure = ""
        """Why the network does not run compiled though that was asked for; empty otherwise."""
        self._failures: dict[int, str] = {}
        """By frames a pass: it would fail again after as long a wait."""

    def choose(self, *, compiled: bool, batch: int = 1) -> bool:
        """Switch to the compiled form or back; return whether the form changed.

        Where it cannot be compiled for `batch` frames a pass, the present form stays and `failure`
        says why.

        Raises:
            DeviceLostError: the GPU is lost.
        """
        before = self._network.form
        if not isinstance(self._network, CompilableNetwork):
            self.failure = f"{self._network.name} has one form only"
            return False
        self.failure = self._failures.get(batch, "")
        compiled = compiled and not self.failure
        if compiled and not self._network.is_compiled(batch):
            self._progress(COMPILING, 1, 1)
        try:
            self._network.use_compiled(wanted=compiled, batch=batch)
        except DeviceLostError:
            raise
        except EngineError as error:
            log.engine.warning("the network could not be compiled: %s", error)
            self.failure = self._failures[batch] = f"compiling failed: {error}"
        return self._network.form != before
