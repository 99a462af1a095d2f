"""Channels between threads: order, room, wakes and closing."""

import threading
import time

import pytest

from rfviewer.channels import Closed, Feed


def test_a_wake_before_the_take_is_not_lost() -> None:
    feed: Feed[int] = Feed(1)
    feed.wake()
    began_s = time.monotonic()
    assert feed.take(600.0) is None
    assert time.monotonic() - began_s < 300.0  # not the time-out


def test_a_wake_counts_once() -> None:
    feed: Feed[int] = Feed(2)
    feed.wake()
    feed.put_newest(1)
    assert feed.take() == 1
    feed.put_newest(2)
    assert feed.take() == 2


def test_a_mark_goes_in_beyond_the_capacity_and_keeps_its_place() -> None:
    feed: Feed[int] = Feed(1)
    feed.put_newest(1)
    feed.put_over(2)
    assert [feed.take(), feed.take()] == [1, 2]


def test_discarding_keeps_the_rest_in_order_and_makes_room() -> None:
    feed: Feed[int] = Feed(3)
    for item in (1, 2, 3):
        assert feed.put_wait(item, abandon=lambda: False)
    feed.discard(lambda item: item == 2)
    assert feed.put_wait(4, abandon=lambda: False)
    assert [feed.take(), feed.take(), feed.take()] == [1, 3, 4]


def test_closing_frees_a_producer_that_waits_for_room() -> None:
    feed: Feed[int] = Feed(1)
    feed.put_newest(1)
    outcome: list[type[BaseException]] = []

    def put() -> None:
        try:
            feed.put_wait(2, abandon=lambda: False)
        except Closed as closed:
            outcome.append(type(closed))

    producer = threading.Thread(target=put)
    producer.start()
    feed.close()
    producer.join(60)
    assert outcome == [Closed]
    assert feed.take() == 1
    with pytest.raises(Closed):
        feed.take()
