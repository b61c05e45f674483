"""What has no row to be locked is done one at a time, on however many servers."""

import threading
import time

from sqlalchemy.orm import Session

from fencun.store.database import Store
from fencun.store.locks import one_at_a_time


def test_the_second_waits_until_the_first_is_committed(database: str) -> None:
    order: list[str] = []
    inside = threading.Event()

    def slow(session: Session) -> None:
        one_at_a_time(session, "a thing")
        inside.set()
        time.sleep(0.3)
        order.append("first")

    def quick(session: Session) -> None:
        one_at_a_time(session, "a thing")
        order.append("second")

    with Store(database) as one, Store(database) as other:
        first = threading.Thread(target=lambda: one.write(slow))
        first.start()
        assert inside.wait(10)
        other.write(quick)
        first.join()
    assert order == ["first", "second"]
