"""Memory, power, clock and throttling of the GPU, from the driver's own counters.

Utilisation is not read here: it counts any kernel as a busy GPU; idle.py does better. A machine
without the library or the driver's permission simply has fewer figures, with the reason.
"""

from dataclasses import dataclass
from typing import Any

from rfviewer import log


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """One reading; None where the driver does not tell."""

    memory_used_bytes: int | None = None
    power_w: float | None = None
    clock_mhz: int | None = None
    throttle: str = ""
    """Why the clock is held down, e.g. "power cap"; empty when it is not."""


_THROTTLE = {
    "nvmlClocksEventReasonSwPowerCap": "power cap",
    "nvmlClocksEventReasonHwSlowdown": "hardware slowdown",
    "nvmlClocksEventReasonSwThermalSlowdown": "heat",
    "nvmlClocksThrottleReasonHwThermalSlowdown": "heat",
    "nvmlClocksThrottleReasonHwPowerBrakeSlowdown": "power brake",
}
"""Names of NVML's bits; idle and application clocks are no throttling."""


class Nvml:
    """Reads one GPU's figures. Engine thread."""

    def __init__(self, uuid: str) -> None:
        """Open the driver's library for the GPU with that UUID; never raises."""
        self._library: Any = None
        try:
            import pynvml

            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
            self._library = pynvml
        except Exception as error:  # noqa: BLE001 - figures are a courtesy, whatever is missing
            log.engine.info("no GPU figures: %s", error)

    def read(self) -> GpuFigures:
        """Return the present figures."""
        library = self._library
        if library is None:
            return GpuFigures()
        memory = self._ask("nvmlDeviceGetMemoryInfo")
        power_mw = self._ask("nvmlDeviceGetPowerUsage")
        clock = self._ask("nvmlDeviceGetClockInfo", library.NVML_CLOCK_SM)
        bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons") or 0
        reasons = {word for name, word in _THROTTLE.items() if bits & getattr(library, name, 0)}
        return GpuFigures(
            None if memory is None else int(memory.used),
            None if power_mw is None else power_mw / 1000,
            None if clock is None else int(clock),
            ", ".join(sorted(reasons)),
        )

    def close(self) -> None:
        """Let the library go. Idempotent."""
        if self._library is not None:
            self._library.nvmlShutdown()
            self._library = None

    def _ask(self, function: str, *arguments: int) -> Any:  # noqa: ANN401 - untyped package
        try:
            return getattr(self._library, function)(self._handle, *arguments)
        except (self._library.NVMLError, AttributeError) as error:
            log.engine.debug("%s: %s", function, error)
            return None
