"""Devices that count as usable, what is said about them, and what the driver tells."""

import ctypes
import logging
import os

import mxmtl
from mxmtl import _devices
from mxmtl._devices import Card
from mxmtl.cli import main
from mxmtl.evaluation import evaluate
from tests.training import _small

import mxnet as mx
import pytest

H200 = Card("NVIDIA H200", (9, 0), 141 << 30)
A100 = Card("NVIDIA A100", (8, 0), 40 << 30)
NO_CODE = "209 vs. 0 : CUDA: no kernel image is available for execution on the device"


def test_without_a_gpu_it_is_the_cpu():
    if mx.context.num_gpus():
        pytest.skip("this machine has a GPU")
    assert mxmtl.context() == [mx.cpu(0)]


@pytest.fixture
def machine(monkeypatch):
    """Return a function that makes a machine of cards, of which MXNet sees some."""
    probes = []

    def make(cards, seen, build="mxnet-cu112", reason=""):
        class FakeNd:
            @staticmethod
            def ones(shape, ctx):
                probes.append(ctx)
                if not _devices.LOWEST <= cards[ctx.device_id].capability <= _devices.HIGHEST:
                    raise mx.MXNetError(f"Traceback\n{NO_CODE}")
                return mx.nd.array([1, 1])

        names = ("gpu", "cpu", "MXNetError", "Context", "__version__")
        fake = type("mx", (), {"nd": FakeNd, **{name: getattr(mx, name) for name in names}})
        fake.gpu, fake.cpu = staticmethod(mx.gpu), staticmethod(mx.cpu)
        fake.context = type("context", (), {"num_gpus": staticmethod(lambda: seen)})
        monkeypatch.setattr(_devices, "mx", fake)
        monkeypatch.setattr(_devices, "find_cards", lambda: (cards, reason))
        monkeypatch.setattr(_devices, "gpu_build", lambda: build)
        monkeypatch.setattr(_devices, "driver_version", lambda: "470.256.02" if cards else "")
        _devices.forget_devices()
        return dict(_devices.describe_devices())

    make.probes = probes
    yield make
    monkeypatch.undo()
    _devices.forget_devices()


def test_gpus_that_work_are_taken_and_others_named(machine, caplog):
    told = machine([A100, H200, A100], seen=3)
    with caplog.at_level(logging.WARNING):
        assert mxmtl.context() == [mx.gpu(0), mx.gpu(2)]
    assert caplog.text.count("\n") == 1
    assert "gpu(1) cannot be used and is left out: NVIDIA H200 has compute capability 9.0" in (
        caplog.text
    )
    assert told["GPU 0"] == "NVIDIA A100, compute capability 8.0, 40 GiB: works"
    assert told["GPU 1"].endswith(f"9.0, and MXNet's wheels have code for 5.0 to 8.9 ({NO_CODE})")
    assert told["used"] == "gpu(0), gpu(2): all that work"
    assert told["MXNet"].endswith("mxnet-cu112 build")
    assert told["NVIDIA driver"] == "470.256.02"
    assert "CUDA libraries" in told


def test_a_card_too_new_falls_back_to_the_cpu(machine, caplog):
    told = machine([H200], seen=1)
    assert mxmtl.context() == [mx.cpu(0)]
    assert told["used"].startswith("cpu(0), because MXNet's wheels have no code for these GPUs")


def test_a_cpu_build_beside_a_card_tells_what_to_install(machine):
    told = machine([A100], seen=0, build=None)
    assert told["GPU 0"].endswith("40 GiB: not seen by MXNet")
    assert (
        'CPU build. For the GPUs: pip uninstall -y mxnet && pip install "mxmtl[cuda]" && pip '
        "install --no-deps mxnet-cu112==1.9.1"
    ) in told["used"]


def test_a_process_tries_each_card_once_and_warns_once(machine, tmp_path, caplog):
    """Also over a run with frozen epochs, its resumption, a second run, and an evaluation."""
    machine([H200], seen=1)
    records = _small.write(tmp_path)
    with caplog.at_level(logging.WARNING):
        options = {"frozen_epochs": 1, "epochs": 1}
        with pytest.raises(_small.PowerCutError):
            _small.fit(records, tmp_path / "run", callbacks=[_small.Crash(1, 2)], **options)
        run = mxmtl.training.resume(tmp_path / "run")
        _small.fit(records, tmp_path / "other", cache=False, **options)
        options = {"network": _small.network(), "data_shape": (3, 8, 8), "batch_size": 8}
        mxmtl.training.find_lr(records, batches=3, **options)
        evaluate(run, records)
        assert main(["devices"]) == 0
    assert machine.probes == [mx.gpu(0)]
    warnings = [record for record in caplog.records if "is left out" in record.message]
    assert len(warnings) == 1


def test_two_builds_at_once(machine, monkeypatch):
    monkeypatch.setattr(_devices, "both_builds", lambda: True)
    assert "uninstall both, install one" in machine([A100], seen=1)["attention"]


def test_no_driver(machine):
    told = machine([], seen=0, build=None, reason="no NVIDIA driver (libcuda.so.1)")
    assert told["used"] == "cpu(0), because no NVIDIA driver (libcuda.so.1)"
    assert told["NVIDIA driver"] == "none"


def test_from_the_command_line(capsys):
    assert main(["devices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("CPU ")
    assert f"{mxmtl.usable_cores()} cores for this process" in lines[0]
    assert f"{os.environ['OMP_NUM_THREADS']} (OMP_NUM_THREADS)" in lines[1]
    assert lines[-1].startswith("used ")


class FakeDriver:
    """libcuda.so.1 of a machine with two cards, in Python."""

    code = 0
    cards = (A100, H200)

    def cuInit(self, flags):
        return self.code

    def cuGetErrorString(self, code, text):
        text._obj.value = b"no CUDA-capable device is detected" if code == 100 else None
        return 0 if code == 100 else 1

    def cuDeviceGetCount(self, count):
        count._obj.value = len(self.cards)
        return 0

    def cuDeviceGet(self, device, index):
        device._obj.value = 70 + index  # a handle, no index

    def cuDeviceGetName(self, name, size, device):
        name.value = self.cards[device.value - 70].name.encode()[: size - 1]

    def cuDeviceTotalMem_v2(self, size, device):
        size._obj.value = self.cards[device.value - 70].memory

    def cuDeviceGetAttribute(self, value, attribute, device):
        value._obj.value = self.cards[device.value - 70].capability[attribute - _devices.MAJOR]


def test_cards_from_the_driver(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: FakeDriver())
    assert _devices.find_cards() == ([A100, H200], "")


@pytest.mark.parametrize(
    ("code", "cards", "reason"),
    [
        (100, (A100,), "the NVIDIA driver gives no card: no CUDA-capable device is detected"),
        (999, (A100,), "the NVIDIA driver gives no card: error 999"),
        (0, (), "the NVIDIA driver sees no card"),
    ],
)
def test_a_driver_without_a_card(monkeypatch, code, cards, reason):
    made = type("Driver", (FakeDriver,), {"code": code, "cards": cards})
    monkeypatch.setattr(ctypes, "CDLL", lambda name: made())
    assert _devices.find_cards() == ([], reason)


def test_no_library_of_a_driver():
    cards, reason = _devices.find_cards("libcuda-that-is-nowhere.so.1")
    assert (cards, reason) == ([], "no NVIDIA driver (libcuda.so.1) on this machine")


def test_the_version_of_the_driver(tmp_path):
    path = tmp_path / "version"
    path.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n")
    assert _devices.driver_version(path) == "535.183.01"
    assert _devices.driver_version(tmp_path / "none") == ""
