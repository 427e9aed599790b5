"""Wait for what another thread or process brings about."""

import time
from collections.abc import Callable

DEADLINE_S = 60


def wait_until(is_so: Callable[[], object], timeout_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
