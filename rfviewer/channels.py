"""Hand-over points between threads, all bounded: newest-wins mailbox and waiting queue."""

import threading
import time
from collections import deque


class Closed(Exception):  # noqa: N818 - a signal that ends a loop, not an error
    """The other side has closed the channel; leave the loop."""


class Mailbox[T]:
    """Holds the newest item only. `put` never blocks; an overwritten item counts as dropped."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0
        """Items overwritten before anyone took them."""

    def put(self, item: T) -> bool:
        """Store `item`; return False when it replaced one that nobody took."""
        with self._condition:
            fresh = self._item is None
            self.dropped += not fresh
            self._item = item
            self._condition.notify()
            return fresh

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for an item and take it; None after `timeout_s`.

        Raises:
            Closed: when the mailbox is closed and empty.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            if item is None and self._closed:
                raise Closed
            return item

    def take_nowait(self) -> T | None:
        """Take the item if there is one."""
        with self._condition:
            item, self._item = self._item, None
            return item

    def clear(self) -> None:
        """Discard the item without counting it as dropped, as after a seek."""
        with self._condition:
            self._item = None

    def close(self) -> None:
        """Wake every waiter; what is still inside can be taken."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class BoundedQueue[T]:
    """First in, first out, at most `capacity` items; both ends wait and both ends can be woken."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._condition = threading.Condition()
        self._items: deque[T] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T, timeout_s: float | None = None) -> bool:
        """Append `item`, waiting for room; False when there was none within `timeout_s`.

        Raises:
            Closed: when the queue is closed.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: len(self._items) < self.capacity or self._closed, timeout_s
            )
            if self._closed:
                raise Closed
            if len(self._items) >= self.capacity:
                return False
            self._items.append(item)
            self._condition.notify_all()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """Remove the oldest item, waiting for one; None after `timeout_s`.

        Raises:
            Closed: when the queue is closed and empty.
        """
        with self._condition:
            self._condition.wait_for(lambda: bool(self._items) or self._closed, timeout_s)
            if not self._items:
                if self._closed:
                    raise Closed
                return None
            item = self._items.popleft()
            self._condition.notify_all()
            return item

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until the queue is empty; False when it is not after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self._condition:
            return self._condition.wait_for(
                lambda: not self._items or self._closed, deadline - time.monotonic()
            )

    def clear(self) -> int:
        """Discard all items and return how many there were."""
        with self._condition:
            count = len(self._items)
            self._items.clear()
            self._condition.notify_all()
            return count

    def close(self) -> None:
        """Wake every waiter; items already inside can still be taken."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
