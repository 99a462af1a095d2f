"""Progress where a person looks at a terminal: a bar on stderr, gone when the work is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

type TellBar = Callable[[str, int | None, int | None], None]
"""Called as tell(text, done, total); None leaves that figure as it was, at first not known."""


@contextmanager
def progress_bar(*, percent: bool) -> Iterator[TellBar]:
    """Show a bar while the block runs; it tells a share in percent, or done and total."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn() if percent else MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=None)

        def tell(text: str, done: int | None, total: int | None) -> None:
            bar.update(task, description=text, completed=done, total=total)

        yield tell
