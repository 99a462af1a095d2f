"""The tables of the benchmarks' page that the newest run may not have yet."""

import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GATE = {
    "gate": "G1/E3",
    "passed": True,
    "frames": 538,
    "pairs": 5000,
    "flips": 1,
    "missing": 2,
    "extra": 3,
    "box_p99_px": 0.25,
    "iou_mean": 0.9987,
}


def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "packaging" / "gpu" / "make_tables.py"))


def test_a_switch_is_judged_in_both_precisions() -> None:
    toggles = {
        "cuda_graph off": {"promise": "X0", "frames": 538, "unequal": 0, "passed": True},
        "fused_network off": {
            **GATE,
            "promise": "X2",
            "passed": False,
            "in_fp32": GATE | {"flips": 0},
        },
    }
    text = "\n".join(script()["checks"]({"toggles": toggles}))
    assert "| cuda_graph off | X0 | 538 | 0 frames | yes |" in text
    assert "| fused_network off | X2 | 538 | of 5000 pairs 1 class changes" in text
    assert "| fused_network off, in fp32 | E2 | 538 | of 5000 pairs 0 class changes" in text
    assert "In fp16 the network" in text
    del toggles["fused_network off"]
    assert "In fp16 the network" not in "\n".join(script()["checks"]({"toggles": toggles}))


def test_several_frames_a_pass_become_two_tables() -> None:
    made = script()["several_a_pass"]
    row = {"fps": 1500.4, "fps_range": [1490.0, 1510.0], "of_one": 2.3, "of_one_range": [2.2, 2.4]}
    found = {
        "rates": {
            "bare_us_per_frame": {"1": 1667.0, "4": 736.0},
            "rows": {"depth 2, 4 a pass": row},
        },
        "gate": {"4 a pass": GATE},
    }
    text = "\n".join(made(found))
    assert "takes 1667.0 / 736.0 us a frame with 1 / 4 frames a pass" in text
    assert "| depth 2, 4 a pass | 1500 (1490 to 1510) | 2.30 (2.20 to 2.40) |" in text
    assert "| 4 a pass | G1/E3 | 538 | of 5000 pairs 1 class changes, 2 missing" in text


def test_results_with_one_choice_have_a_table_where_they_were_made() -> None:
    row = GATE | {
        "scores_apart_p50_max": [0.0026, 0.0062],
        "places_of_the_order_that_differ": 0.02727,
    }
    made = script()["checks"]
    text = "\n".join(made({"choice": {"fp16 against fp32": row}}))
    assert "| fp16 against fp32 | G1/E3 | 538 | of 5000 pairs 1 class changes" in text
    assert "| yes | 2.6e-03, 6.2e-03 | 2.73 % |" in text
    assert "choice of queries" not in "\n".join(made({}))
