"""Points that are too many to hold twice, or at all: worked through in blocks, on all cores.

Every block is computed by one thread, and what comes of it is put together in the blocks' order:
the result is the same, to the bit, on any number of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

BLOCK_BYTES = 8 << 20  # so small that what is computed of a block finds it in the cache
BLOCKS_AHEAD = 3  # for each thread, so that reading and computing overlap

Result = TypeVar("Result")


@dataclass(frozen=True)
class Points:
    """n points, in a fixed order.

    read: gives them from the first to the last, as (rows, dimensions) float32 blocks.
    rows: gives those of some sorted numbers, as one such block.
    array: all of them, (n, dimensions) float32, where they are held in memory.
    """

    count: int
    dimensions: int
    read: Callable[[], Iterator[NDArray[np.float32]]]
    rows: Callable[[NDArray[np.intp]], NDArray[np.float32]]
    array: NDArray[np.float32] | None = None

    @staticmethod
    def of(array: NDArray[np.float32]) -> Points:
        """Take points that are held in memory: (n, d) float32."""
        rows = block_rows(array.shape[1])

        def read() -> Iterator[NDArray[np.float32]]:
            for start in range(0, len(array), rows):
                yield array[start : start + rows]

        count, dimensions = array.shape
        return Points(count, dimensions, read, lambda numbers: array[numbers], array)

    def all(self) -> NDArray[np.float32]:
        """Return all points; they are read into memory if they are not there."""
        if self.array is not None:
            return self.array
        array = np.empty((self.count, self.dimensions), np.float32)
        start = 0
        for block in self.read():
            array[start : start + len(block)] = block
            start += len(block)
        return array


def block_rows(dimensions: int) -> int:
    """Return how many points make a block."""
    return max(1, BLOCK_BYTES // (4 * dimensions))


def work_through(
    points: Points, work: Callable[[slice, NDArray[np.float32]], Result]
) -> Iterator[Result]:
    """Give what a function makes of each block, in their order.

    work: gets which rows they are, and the block.
    """

    def tasks() -> Iterator[Callable[[], Result]]:
        start = 0
        for block in points.read():
            rows = slice(start, start + len(block))
            start = rows.stop
            yield partial(work, rows, block)

    return side_by_side(tasks())


def side_by_side(tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
    """Run tasks on all cores, each on one; give their results in the order of the tasks."""
    threads = count_cores()
    pending: deque[Future[Result]] = deque()
    libraries = ThreadpoolController()
    # OpenMP's limit is that of the thread that sets it, BLAS's that of the process: hence both.
    with (
        libraries.limit(limits=1),
        ThreadPoolExecutor(threads, initializer=lambda: libraries.limit(limits=1)) as pool,
    ):
        for task in tasks:
            pending.append(pool.submit(task))
            if len(pending) > BLOCKS_AHEAD * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def one_thread_each() -> AbstractContextManager[object]:
    """Keep the libraries that compute from sharing a computation out among threads."""
    limits: AbstractContextManager[object] = ThreadpoolController().limit(limits=1)
    return limits


def count_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))
