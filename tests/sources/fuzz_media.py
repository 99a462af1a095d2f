"""Opens and reads mutated media files in a process of its own; prints one JSON line per file.

`python -m tests.sources.fuzz_media SEED_FILE… --count N --start K` mutates each file in `count`
ways, numbered from `start`, so that a failure can be repeated. A crash of a decoder ends the
process: the last line names the file it was reading.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from rfviewer.errors import RfviewerError
from rfviewer.sources.factory import open_source

MAX_FRAMES = 120


def mutate(data: bytes, seed: int) -> bytes:
    """Flip bytes, cut, repeat or zero a part of `data`; the same seed gives the same bytes."""
    rng = random.Random(seed)
    out = bytearray(data)
    match seed % 5:
        case 0:
            for _ in range(rng.choice((1, 5, 50, 500))):
                out[rng.randrange(len(out))] = rng.randrange(256)
        case 1:
            del out[rng.randrange(len(out)) :]
        case 2:
            at = rng.randrange(len(out))
            size = rng.randrange(1, 4096)
            out[at : at + size] = bytes(len(out[at : at + size]))
        case 3:  # the head, where containers keep their sizes and counts
            for _ in range(rng.choice((1, 3, 10))):
                out[rng.randrange(min(1024, len(out)))] ^= 1 << rng.randrange(8)
        case _:
            at, size = rng.randrange(len(out)), rng.randrange(1, 4096)
            out[at:at] = out[at : at + size]
    return bytes(out)


def read(path: Path) -> dict[str, object]:
    """Open `path`, read, seek and read on; return what came of it."""
    started_s = time.monotonic()
    frames, error = 0, ""
    try:
        source = open_source(str(path))
    except RfviewerError as refusal:
        return {"frames": 0, "error": str(refusal), "seconds": time.monotonic() - started_s}
    try:
        while frames < MAX_FRAMES and source.read() is not None:
            frames += 1
        if source.info.seekable:
            source.seek((source.info.duration_s or 0.0) / 2)
            source.read()
            source.seek_before(0.1)
            source.read()
    except RfviewerError as stop:
        error = str(stop)
    finally:
        source.close()
    return {"frames": frames, "error": error, "seconds": time.monotonic() - started_s}


def main() -> None:
    """Run over the files of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--start", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for seed_file in options.seeds:
            data = seed_file.read_bytes()
            for number in range(options.start, options.start + options.count):
                path = Path(folder) / f"{number}{seed_file.suffix}"
                path.write_bytes(mutate(data, number))
                sys.stdout.write(json.dumps({"reading": seed_file.name, "number": number}) + "\n")
                sys.stdout.flush()
                sys.stdout.write(json.dumps(read(path)) + "\n")
                path.unlink()


if __name__ == "__main__":
    main()
