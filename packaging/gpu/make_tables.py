"""Make docs/benchmarks/README.md from the JSON files beside it.

    python packaging/gpu/make_tables.py

`suite_*.json` are written by suite.py: the newest gives rates and checks. Kernel times come from
the newest file that has them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
_INTRO = """# Benchmarks

Made by `packaging/gpu/make_tables.py` from `{suite}` and `{kernels}`; do not edit by hand.

{gpu}, driver {driver}, torch {torch}, Triton {triton}, {date}.
Limits of that machine: device memory {memory_gb_s} GB/s (copy, read plus write), bus
{h2d_gb_s} GB/s in and {d2h_gb_s} GB/s out, fp16 matrix product {fp16_tflop_s} TFLOP/s.
Demo model and clip, fp16, threshold 0.4.

Command: `{command}`. Machines of one kind differ by up to 8 %: compare inside one table.
"""
_RATES = """
## Rates, {form}

Frames a second from frame to boxes and packed masks on the host, median of three rounds (range),
and as a share of the bare network's replay rate in the same minute: one graph, back to back,
{bare} ms (p10 {low}, p90 {high}). Frames lie in the engine's page-locked memory unless the row says
otherwise.

| what | frames a second | of the bare network |
|---|---|---|"""
_DETAILS = """
Of 600 frames each, 312x176; host is the engine thread's own time a frame, without waiting:

| depth | submit us | collect us | host us p10, p50, p95 | latency ms p50, p95 | stages us: h2d, \
preprocess, infer, postprocess, d2h | GPU idle | gap between networks us p50, p95 |
|---|---|---|---|---|---|---|---|"""


_BATCHES = """
## Several frames a pass

`micro_batch`: frames a second as above, and against one frame a pass at the same depth in the same
round. The bare network takes {bare} us a frame with {frames} frames a pass.

| what | frames a second | of one a pass |
|---|---|---|"""


def main() -> None:
    """Write the page."""
    name, suite = newest("suite_*.json", "figures")
    kernels_name, kernels = newest("*.json", "kernels")
    hardware = suite["hardware"]
    lines = [
        _INTRO.format(
            suite=name,
            kernels=kernels_name,
            command=suite["command"],
            **{key: value for key, value in hardware.items() if key != "limits"},
            **hardware["limits"],
        )
    ]
    lines += rates("fused network", suite["figures"])
    if "traced" in suite:
        lines += rates("traced network", suite["traced"])
    if "micro_batch" in suite:
        lines += several_a_pass(suite["micro_batch"])
    if "rfdetr" in suite:
        lines += [against_rfdetr(suite)]
    lines += checks(suite)
    lines += kernel_rows(kernels["kernels"])
    lines += ["\n## Notes\n", *(f"- {note}" for note in suite.get("notes", ()))]
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def newest(pattern: str, key: str) -> tuple[str, dict[str, Any]]:
    """Return the file with `key` whose date is the last."""
    found = []
    for path in FOLDER.glob(pattern):
        data = json.loads(path.read_text(encoding="utf-8"))
        if key in data:
            found.append((data["hardware"]["date"], path.name, data))
    _, name, data = max(found, key=lambda item: item[:2])
    return name, data


def rates(form: str, figures: dict[str, Any]) -> Iterator[str]:
    """Yield the tables of one form of the network."""
    bare, low, high = figures["bare_ms_p50_p10_p90"]
    yield _RATES.format(form=form, bare=bare, low=low, high=high)
    for name, row in figures["rates"].items():
        least, most = row["of_bare_range"]
        slow, fast = row["fps_range"]
        yield (
            f"| {name} | {row['fps']:.0f} ({slow:.0f} to {fast:.0f}) |"
            f" {row['of_bare']:.3f} ({least:.3f} to {most:.3f}) |"
        )
    yield _DETAILS
    for name, row in figures["details"].items():
        if name.startswith("312x176"):
            pairs = (row["host_us_p10_p50_p95"], row["latency_ms_p50_p95"])
            host, latency = (", ".join(map(str, pair)) for pair in pairs)
            yield (
                f"| {name.removeprefix('312x176 depth ')} | {row['submit_us']} |"
                f" {row['collect_us']} | {host} | {latency} |"
                f" {', '.join(map(str, row['stages_us'].values()))} | {row['gpu_idle']:.2%} |"
                f" {', '.join(map(str, row['gap_us_p50_p95']))} |"
            )
    if at_once := figures.get("bare_fps_on_1_to_4_streams"):
        yield (
            "\nThe bare network on 1 / 2 / 3 / 4 streams at once, graphs back to back:"
            f" {' / '.join(map(str, at_once))} passes a second."
        )
    launch = figures["graph_launch_us"]
    yield (
        f"\nHost time to launch one graph: the slot's {launch['slot']} us, the bare network's"
        f" {launch['bare']} us."
    )


def several_a_pass(found: dict[str, Any]) -> Iterator[str]:
    """Yield the tables of rates and of the gate with several frames a pass."""
    bare = found["rates"]["bare_us_per_frame"]
    yield _BATCHES.format(bare=" / ".join(map(str, bare.values())), frames=" / ".join(bare))
    for name, row in found["rates"]["rows"].items():
        slow, fast = row["fps_range"]
        least, most = row["of_one_range"]
        yield (
            f"| {name} | {row['fps']:.0f} ({slow:.0f} to {fast:.0f}) |"
            f" {row['of_one']:.2f} ({least:.2f} to {most:.2f}) |"
        )
    yield "\nEvery frame of the clip against one frame a pass:\n"
    yield "| what | gate | frames | differs | passed |\n|---|---|---|---|---|"
    for name, row in found["gate"].items():
        yield (f"| {name} | {row['gate']} | {row['frames']} | {gate_words(row)} | {word(row)} |")


def against_rfdetr(suite: dict[str, Any]) -> str:
    """Return the sentence about rfdetr's own predict."""
    own = suite["rfdetr"]["predict"]["fps"]
    best = {"fused": suite["figures"]["rates"], "traced": suite.get("traced", {}).get("rates", {})}
    parts = [
        f"{rows['312x176 file, depth 3']['fps'] / own:.1f} times ({form})"
        for form, rows in best.items()
        if rows
    ]
    return (
        f"\n`RFDETR.predict` of rfdetr 1.11.2 on the same frames, decoded already: {own} frames a"
        f' second. The row "312x176 file, depth 3" is {" and ".join(parts)} that.'
    )


def checks(suite: dict[str, Any]) -> Iterator[str]:
    """Yield the tables of what was compared with its reference."""
    yield "\n## Each switch against everything on\n"
    rows = suite.get("toggles", {})
    yield "Every frame of the clip. X0 promises equal bytes; X1 the gate's tolerance E2, X2 E3."
    if any("in_fp32" in row for row in rows.values()):
        yield (
            "In fp16 the network makes more of a difference than the switch itself; the rows in"
            " fp32 tell whether the switch computes the same."
        )
    yield "\n| what | promise | frames | differs | passed |\n|---|---|---|---|---|"
    for name, row in rows.items():
        different = f"{row['unequal']} frames" if "unequal" in row else gate_words(row)
        yield f"| {name} | {row['promise']} | {row['frames']} | {different} | {word(row)} |"
        if inner := row.get("in_fp32"):
            found = f"{inner['frames']} | {gate_words(inner)} | {word(inner)}"
            yield f"| {name}, in fp32 | E2 | {found} |"
        if "input_max" in row:
            passed = "yes" if row["input_passed"] else "**no**"
            yield (
                f"| {name}, network input in fp32 | rounding | {row['frames']} |"
                f" at most {row['input_max']:.1e} | {passed} |"
            )
    yield "\n## Precisions against fp32\n"
    yield "By the gate's tolerance E3, fp32 fused E2; the reference is rfdetr's module in fp32.\n"
    yield "| what | bare network ms | frames | differs | passed |\n|---|---|---|---|---|"
    for name, row in suite.get("precisions", {}).items():
        if "passed" in row:
            yield (
                f"| {name} fused | {row['network_ms']} | {row['frames']} | {gate_words(row)} |"
                f" {word(row)} |"
            )
        else:
            yield f"| {name} fused | {row['network_ms']} | | the next rows' reference | |"
    for name, row in suite.get("forms", {}).items():
        yield f"| {name} | | {row['frames']} | {gate_words(row)} | {word(row)} |"
    if found := suite.get("choice"):
        yield from with_one_choice(found)


def with_one_choice(found: dict[str, Any]) -> Iterator[str]:
    """Yield the table of results that share the reference's choice of queries."""
    yield "\n## With the reference's choice of queries\n"
    yield (
        "The network keeps the 100 tokens with the best scores, in their order, and a place in the"
        " order has a learned query of its own: scores that lie nearer than rounding change places."
        " Here both sides are given the reference's choice, so that only rounding is left; scores"
        " apart tells how far the chosen tokens' logits differ, and places which part of the order"
        " would differ without that.\n"
    )
    yield "| what | gate | frames | differs | passed | scores apart p50, max | places |"
    yield "|---|---|---|---|---|---|---|"
    for name, row in found.items():
        middle, most = row["scores_apart_p50_max"]
        places = row["places_of_the_order_that_differ"]
        yield (
            f"| {name} | {row['gate']} | {row['frames']} | {gate_words(row)} | {word(row)} |"
            f" {middle:.1e}, {most:.1e} | {100 * places:.2f} % |"
        )


def gate_words(row: dict[str, Any]) -> str:
    """Return a gate's figures in a few words."""
    return (
        f"of {row['pairs']} pairs {row['flips']} class changes, {row['missing']} missing,"
        f" {row['extra']} extra; box p99 {row['box_p99_px']:.2f} px,"
        f" mean mask IoU {row['iou_mean']:.4f}"
    )


def word(row: dict[str, Any]) -> str:
    """Return whether it passed."""
    return "yes" if row["passed"] else "**no**"


def kernel_rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the table of kernel times."""
    yield """
## Kernels

Medians of graph replays (20 launches a graph), inputs in the L2 cache as right after their copy.
Bytes count each input read once and each output written once; percent is (bytes / measured
bandwidth) / time. The reference is the plain torch form, launched from the host, waits included.
Scene: 30 masks of 1.3 % of the frame each.

| source | kernel | us (p10 to p90) | MB moved | of roofline | reference us |
|---|---|---|---|---|---|"""
    for row in rows:
        spread = f"{row['median_us']:.1f} ({row['p10_us']:.1f} to {row['p90_us']:.1f})"
        yield (
            f"| {row['source']} | {row['kernel']} | {spread} | {row['bytes'] / 1e6:.2f} |"
            f" {row['roofline_percent']:.1f} % | {row['reference_us']:.0f} |"
        )


if __name__ == "__main__":
    main()
