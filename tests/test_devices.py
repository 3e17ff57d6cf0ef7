"""Devices that count as usable."""

import logging

import mxmtl
from mxmtl import _devices

import mxnet as mx
import pytest


def test_without_a_gpu_it_is_the_cpu():
    if mx.context.num_gpus():
        pytest.skip("this machine has a GPU")
    assert mxmtl.context() == [mx.cpu(0)]


def test_gpus_that_work_are_taken_and_others_named(monkeypatch, caplog):
    class FakeNd:
        """The second of three cards has no code in the wheel, as an H200."""

        @staticmethod
        def ones(shape, ctx):
            if ctx.device_id == 1:
                raise mx.MXNetError("Traceback\nno kernel image is available")
            return mx.nd.array([1, 1])

    fake = type("mx", (), {"nd": FakeNd, "gpu": mx.gpu, "cpu": mx.cpu, "MXNetError": mx.MXNetError})
    fake.context = type("context", (), {"num_gpus": staticmethod(lambda: 3)})
    monkeypatch.setattr(_devices, "mx", fake)
    with caplog.at_level(logging.WARNING):
        assert mxmtl.context() == [mx.gpu(0), mx.gpu(2)]
    assert "gpu(1) cannot be used and is left out: no kernel image is available" in caplog.text


@pytest.mark.gpu
def test_every_gpu_computes():
    if not mx.context.num_gpus():
        pytest.skip("no GPU on this machine")
    assert all(device.device_type == "gpu" for device in mxmtl.context())
