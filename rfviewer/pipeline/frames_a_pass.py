"""Whether frames may wait for others to share their pass of the network (`micro_batch`).

Only work without a viewer lets them: in a window a frame would be shown late, and a live frame
alone in a pass made for several would take as long as all of them.
"""

from dataclasses import replace

from rfviewer.optimizations import Optimizations
from rfviewer.result import EngineInfo

NAME = "micro_batch"
WHY_NOT = "here every frame is shown as soon as it can be; export, bench and trace use it"


def given_to_engine(wanted: Optimizations, *, frames_may_wait: bool) -> Optimizations:
    """Return what the engine gets where `wanted` was asked for."""
    return wanted if frames_may_wait else replace(wanted, micro_batch=1)


def shown_to_user(info: EngineInfo, wanted: Optimizations, *, frames_may_wait: bool) -> EngineInfo:
    """Return `info` with the request as the user made it, and why it is not in effect."""
    if frames_may_wait or wanted.micro_batch == 1:
        return info
    toggles = tuple(
        replace(state, requested=wanted.micro_batch, reason=state.reason or WHY_NOT)
        if state.name == NAME
        else state
        for state in info.toggles
    )
    return replace(info, toggles=toggles)
