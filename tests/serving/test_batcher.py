"""The batcher alone: nobody is forgotten, whatever comes together and whoever leaves."""

from __future__ import annotations

import asyncio

from mxmtl.serving import Batcher

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def serve(scenario, compute=None, max_batch=4, max_delay=0.001):
    """Run a scenario with a batcher that doubles; return what it returns and the batches' sizes."""
    sizes = []

    async def run():
        batcher = Batcher(
            compute or (lambda stack: list(2 * stack)), max_batch, max_delay, sizes.append
        )
        batcher.start()
        try:
            return await asyncio.wait_for(scenario(batcher), 20)
        finally:
            batcher.stop()

    return asyncio.run(run()), sizes


@settings(max_examples=25)
@given(
    st.lists(st.floats(0, 0.003), min_size=1, max_size=30),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.001]),
)
def test_each_gets_its_own_answer(pauses, max_batch, max_delay):
    async def scenario(batcher):
        async def one(number, pause):
            await asyncio.sleep(pause)
            return await batcher.submit(np.array(number))

        return await asyncio.gather(*(one(n, pause) for n, pause in enumerate(pauses)))

    found, sizes = serve(scenario, max_batch=max_batch, max_delay=max_delay)
    assert found == [2 * number for number in range(len(pauses))]
    assert sum(sizes) == len(pauses)
    assert max(sizes) <= max_batch


def test_what_comes_together_is_computed_together():
    async def scenario(batcher):
        return await asyncio.gather(*(batcher.submit(np.array(n)) for n in range(10)))

    _, sizes = serve(scenario, max_batch=4, max_delay=0.2)
    assert sizes == [4, 4, 2]


def test_a_failure_ends_its_own_batch_alone():
    def compute(stack):
        if 3 in stack:
            raise ArithmeticError("three")
        return list(stack)

    async def scenario(batcher):
        first = await asyncio.gather(
            *(batcher.submit(np.array(n)) for n in range(4)), return_exceptions=True
        )
        return first, await batcher.submit(np.array(7))

    (failed, after), _ = serve(scenario, compute)
    assert all(isinstance(error, ArithmeticError) for error in failed)
    assert after == 7


@pytest.mark.parametrize("error", [StopIteration, SystemExit, asyncio.CancelledError, MemoryError])
def test_whatever_fails_each_request_ends_and_others_follow(error):
    def compute(stack):
        if 3 in stack:
            raise error
        return list(stack)

    async def scenario(batcher):
        with pytest.raises((RuntimeError, MemoryError)):
            await batcher.submit(np.array(3))
        return await batcher.submit(np.array(7))

    assert serve(scenario, compute)[0] == 7


def test_an_error_of_the_batcher_itself_leaves_nobody_waiting(caplog):
    async def scenario(batcher):
        take, batcher._take = batcher._take, lambda: [][0]
        first = asyncio.ensure_future(batcher.submit(np.array(3)))
        await asyncio.sleep(0.05)
        batcher._take = take
        return await asyncio.gather(first, batcher.submit(np.array(7)))

    assert serve(scenario)[0] == [6, 14]
    assert "batches go on after an error" in caplog.text


def test_who_leaves_is_not_computed():
    seen = []

    def compute(stack):
        seen.extend(stack.tolist())
        return list(stack)

    async def scenario(batcher):
        leaving = asyncio.ensure_future(batcher.submit(np.array(1)))
        staying = asyncio.ensure_future(batcher.submit(np.array(2)))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        return await staying

    found, _ = serve(scenario, compute, max_delay=0.05)
    assert (found, seen) == (2, [2])
