"""Devices for tests: a second CPU context on every machine, a GPU where there is one."""

from __future__ import annotations

import sys
from typing import Any

import mxnet as mx
import pytest


def no_gpu() -> str:
    """Say why no test can run on a GPU; empty where it can."""
    from mxmtl._devices import describe_devices, try_gpus

    if any(not failure for _, failure in try_gpus()):
        return ""
    return "no GPU that works: " + dict(describe_devices())["used"].partition("because ")[2]


@pytest.fixture(params=["cpu", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request: Any, monkeypatch: Any) -> mx.Context:
    """A device that is not MXNet's default one, with every operation between devices refused."""
    if request.param == "gpu" and no_gpu():
        pytest.skip(no_gpu())
    refuse_mixed_devices(monkeypatch)
    return mx.cpu(1) if request.param == "cpu" else mx.gpu(0)


class MixedDevicesError(AssertionError):
    """An operation got arrays that lie on different devices: on a GPU it would fail."""


def refuse_mixed_devices(monkeypatch: Any) -> None:
    """Make operations check their arrays; MXNet itself computes on cpu(0) and cpu(1) alike."""

    def check(name: str, arrays: list[Any]) -> None:
        contexts = {array.context for array in arrays if isinstance(array, mx.nd.NDArray)}
        if len(contexts) > 1:
            raise MixedDevicesError(f"{name}: arrays on {sorted(map(str, contexts))}")

    original = mx.ndarray.register._imperative_invoke
    call = mx._ctypes.ndarray.CachedOp.__call__

    def invoke(handle: Any, arrays: Any, *rest: Any, **more: Any) -> Any:
        check("an operation", list(arrays))
        return original(handle, arrays, *rest, **more)

    def call_cached(self: Any, *arrays: Any, **options: Any) -> Any:
        check("a hybridized block", list(arrays))
        return call(self, *arrays, **options)

    for name, module in list(sys.modules.items()):
        if name.startswith("mxnet") and getattr(module, "_imperative_invoke", None) is original:
            monkeypatch.setattr(module, "_imperative_invoke", invoke)
    monkeypatch.setattr(mx._ctypes.ndarray.CachedOp, "__call__", call_cached)
