"""Hand-over points between threads, all bounded: newest-wins mailbox and frame feed."""

import threading
from collections import deque
from collections.abc import Callable


class Closed(Exception):  # noqa: N818 - a signal that ends a loop, not an error
    """The other side has closed the channel; leave the loop."""


class Mailbox[T]:
    """Holds the newest item only; neither end ever waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: T | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take."""
        return self._item is None

    def put(self, item: T) -> None:
        """Store `item` in place of whatever nobody took."""
        with self._lock:
            self._item = item

    def take(self) -> T | None:
        """Take the item if there is one."""
        with self._lock:
            item, self._item = self._item, None
            return item


class Feed[T]:
    """First in, first out, at most `capacity` items; the producer chooses to wait or to displace.

    Waiting is for files (nothing is dropped), displacing for live sources (newest wins). Waiters on
    both ends can be woken without an item, so that no loop needs to poll.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._condition = threading.Condition()
        self._items: deque[T] = deque()
        self._closed = False
        self._woken = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Whether nothing more can be put in."""
        return self._closed

    def put_wait(
        self, item: T, abandon: Callable[[], bool], timeout_s: float | None = None
    ) -> bool:
        """Append `item`, waiting for room; False when `abandon` became true or the time is over.

        `abandon` is asked whenever the feed changes or is woken.

        Raises:
            Closed: when the feed is closed.
        """
        with self._condition:
            has_room = self._condition.wait_for(
                lambda: self._closed or len(self._items) < self.capacity or abandon(), timeout_s
            )
            if self._closed:
                raise Closed
            if not has_room or abandon():
                return False
            self._items.append(item)
            self._condition.notify_all()
            return True

    def put_newest(self, item: T) -> int:
        """Replace whatever waits by `item`, at once; return how many items were displaced.

        Raises:
            Closed: when the feed is closed.
        """
        with self._condition:
            if self._closed:
                raise Closed
            displaced = len(self._items)
            self._items.clear()
            self._items.append(item)
            self._condition.notify_all()
            return displaced

    def take(self, timeout_s: float | None = None) -> T | None:
        """Remove the oldest item, waiting for one; None after `timeout_s` or when woken.

        A wake between two calls counts for the second: the caller looked at its requests in
        between, perhaps too early. One thread takes.

        Raises:
            Closed: when the feed is closed and empty.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: bool(self._items) or self._closed or self._woken, timeout_s
            )
            self._woken = False
            if self._items:
                item = self._items.popleft()
                self._condition.notify_all()
                return item
            if self._closed:
                raise Closed
            return None

    def wake(self) -> None:
        """Let the present or next `take` return None and `put_wait` calls ask `abandon`."""
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def put_over(self, item: T) -> None:
        """Append `item` at once, beyond the capacity if need be: for rare marks between frames.

        Raises:
            Closed: when the feed is closed.
        """
        with self._condition:
            if self._closed:
                raise Closed
            self._items.append(item)
            self._condition.notify_all()

    def discard(self, unwanted: Callable[[T], bool]) -> None:
        """Remove the `unwanted` items without counting them as dropped."""
        with self._condition:
            self._items = deque(item for item in self._items if not unwanted(item))
            self._condition.notify_all()

    def close(self) -> None:
        """Wake every waiter for good; items already inside can still be taken."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
