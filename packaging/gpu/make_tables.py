"""Make docs/benchmarks/README.md from the newest JSON beside it.

python packaging/gpu/make_tables.py
"""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
_INTRO = """# Benchmarks

Made by `packaging/gpu/make_tables.py` from `{name}`; do not edit by hand.

{gpu}, {driver}, torch {torch}, Triton {triton}, {date}. Limits measured on the same machine: device
memory {memory} GB/s (copy, read plus write), bus {h2d} GB/s in and {d2h} GB/s out, fp16 matrix
product {gemm} TFLOP/s. Correctness on that GPU: {tests}.

- Kernel times are medians of graph replays (20 launches a graph), inputs in the L2 cache as right
  after their copy. Bytes count each input read once and each output written once; percent is
  (bytes / measured bandwidth) / time. The reference is the plain torch form, launched from the
  host, waits included. Scene: 30 masks of 1.3 % of the frame each.
- A replay time depends on the machine: two of the same kind differ by up to 8 %. Compare within
  one table.
"""


def main() -> None:
    """Write the page."""
    source = max(FOLDER.glob("*.json"))
    data = json.loads(source.read_text(encoding="utf-8"))
    hardware, limits = data["hardware"], data["ceilings"]
    lines = [
        _INTRO.format(
            name=source.name,
            gpu=hardware["gpu"],
            driver="driver " + hardware["driver_and_clock"].split(",")[0],
            torch=hardware["torch"],
            triton=hardware["triton"],
            date=hardware["date"][:10],
            memory=limits["memory_gb_s"],
            h2d=limits["h2d_gb_s"],
            d2h=limits["d2h_gb_s"],
            gemm=limits["fp16_tflop_s"],
            tests=data["tests"]["summary"],
        ),
        "## Kernels\n",
        "| source | kernel | us (p10 to p90) | MB moved | of roofline | reference us |",
        "|---|---|---|---|---|---|",
    ]
    for row in data["kernels"]:
        spread = f"{row['median_us']:.1f} ({row['p10_us']:.1f} to {row['p90_us']:.1f})"
        lines.append(
            f"| {row['source']} | {row['kernel']} | {spread} | {row['bytes'] / 1e6:.2f} |"
            f" {row['roofline_percent']:.1f} % | {row['reference_us']:.0f} |"
        )
    lines += [
        "\n## The network alone, fp16, one graph replayed\n",
        "Against the fp32 network on frames of the demo clip, threshold 0.4.\n",
        "| form | us | per second | build s | pairs | missing / extra / flips | box p99 px |"
        " mask IoU mean |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in data["screen"].items():
        parity = row["parity"]
        changes = f"{parity['missing']} / {parity['extra']} / {parity['class_flips']}"
        lines.append(
            f"| {name} | {row['median_us']:.0f} | {row['fps']:.0f} | {row['build_s']} |"
            f" {parity['pairs']} | {changes} | {parity['box_p99_px']} |"
            f" {parity['mask_iou_mean']} |"
        )
    lines += [
        "\n## Whole slots: copy in, preprocess A, network, select, masks, copy out\n",
        "Frames per second with N slots, each one graph on its own stream (first of two runs or"
        " three); in brackets against the bare network's replay rate of the same run. Raw outputs"
        " of overlapping slots against one slot, frame by frame.\n",
        "| network, source | bare | 1 slot | 2 | 3 | 4 | frames | raw outputs that differ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in data["slots"].items():
        bare = row["bare_network"]["fps"]
        rates = [values[0] for values in row["fps"].values()]
        cells = " | ".join(f"{rate:.0f} ({100 * rate / bare:.0f} %)" for rate in rates)
        differing = max(found["raw"] for found in row["differing_frames"].values())
        lines.append(f"| {name} | {bare:.0f} | {cells} | {row['frames']} | {differing} |")
    lines += ["\nNotes of the JSON:\n", *(f"- {note}" for note in data["notes"])]
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
