"""One holder at a time, between processes, and a dead holder holds nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from rfviewer.models.file_lock import file_lock

HOLDER = """
import sys
from pathlib import Path
from rfviewer.models.file_lock import file_lock
with file_lock(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


class GaveUpError(Exception):
    pass


def test_the_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"held"

    def give_up() -> None:
        raise GaveUpError

    with pytest.raises(GaveUpError), file_lock(path, give_up):
        pytest.fail("two holders")

    waits = []

    def kill_holder() -> None:
        waits.append(1)
        child.kill()

    with file_lock(path, kill_holder):
        assert waits
    child.communicate()
