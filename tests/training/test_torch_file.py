"""PyTorch's files, old and new layout, without PyTorch; nothing in them is run."""

import os
import pickle
import zipfile
from collections import OrderedDict

from mxmtl import training
from tests.training._torch_writer import Piece, pieces_of, torch_modules, write_older, write_zip

import numpy as np
import pytest

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "norm.num_batches_tracked": np.array(7, dtype=np.int64),
    "half": np.array([0.5, -2.0], dtype=np.float16),
    "empty": np.zeros((0, 3), dtype=np.float64),
}


@pytest.fixture
def _torch():
    with torch_modules():
        yield


LAYOUTS = pytest.mark.parametrize("write", [write_zip, write_older], ids=["zip", "older"])


def _state():
    return OrderedDict((name, Piece(str(i), a)) for i, (name, a) in enumerate(ARRAYS.items()))


@LAYOUTS
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
@pytest.mark.usefixtures("_torch")
def test_arrays_come_back(tmp_path, write, key):
    state = _state()
    write(tmp_path / "x.pth", state if key is None else {key: state, "epoch": 3}, pieces_of(state))
    read = training.read_state_dict(tmp_path / "x.pth")
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


@LAYOUTS
@pytest.mark.usefixtures("_torch")
def test_views_with_offset_and_strides(tmp_path, write):
    base = np.arange(12, dtype=np.float32)
    state = {"t": Piece("0", base, offset=2, shape=(3, 2), strides=(1, 4))}
    write(tmp_path / "x.pth", state, pieces_of(state))
    read = training.read_state_dict(tmp_path / "x.pth")["t"]
    np.testing.assert_array_equal(read, [[2, 6], [3, 7], [4, 8]])


@LAYOUTS
@pytest.mark.usefixtures("_torch")
@pytest.mark.parametrize(
    "lie",
    [
        {"offset": 11, "shape": (2,), "strides": (1,)},
        {"offset": -1, "shape": (2,), "strides": (1,)},
        {"shape": (4, 4), "strides": (4, 1)},
        {"shape": (2,), "strides": (-1,)},
        {"shape": (2, 2), "strides": (1,)},
        {"shape": (2,), "strides": (1 << 40,)},
    ],
)
def test_a_tensor_outside_of_its_memory_is_refused(tmp_path, write, lie):
    state = {"t": Piece("0", np.arange(12, dtype=np.float32), **lie)}
    write(tmp_path / "x.pth", state, pieces_of(state))
    with pytest.raises(ValueError, match=r"x\.pth.*outside of its storage"):
        training.read_state_dict(tmp_path / "x.pth")


class Evil:
    def __reduce__(self):
        return print, ("it ran",)


@LAYOUTS
@pytest.mark.usefixtures("_torch")
def test_nothing_is_run(tmp_path, write, capsys):
    write(tmp_path / "x.pth", {"a": Evil()}, [])
    with pytest.raises(
        ValueError, match=r"asks for (builtins|__builtin__)\.print, which is refused"
    ):
        training.read_state_dict(tmp_path / "x.pth")
    assert capsys.readouterr().out == ""


@LAYOUTS
@pytest.mark.usefixtures("_torch")
def test_files_cut_short(tmp_path, write):
    state = _state()
    write(tmp_path / "x.pth", state, pieces_of(state))
    data = (tmp_path / "x.pth").read_bytes()
    for length in range(0, len(data) - 1, 7):
        (tmp_path / "y.pth").write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"y\.pth"):
            training.read_state_dict(tmp_path / "y.pth")


PAIRS = b"K\x01" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(60))  # (x, x) of (x, x) of ...


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(
    ("opcodes", "said"),
    [
        (b"}" + PAIRS + b"Ns.", "more values within values"),  # to be hashed
        (PAIRS + b"Q.", "more values within values"),  # a storage of that name
        (b"})" + b"\x85" * 100_000 + b"Ns.", "more values within values"),
        (b"(" + b"K\x01K\x01\x86q\x002h\x00" * 9 + b"1.", "pop from empty list"),
        (b"Nr\xff\xff\xff\x0f.", "its place 268435455 is none of so short a file"),
        (b"Np99999999999\n.", "its place 99999999999 is none"),
        (b"\x96" + b"\xff" * 7 + b"\x0f.", r"but only \d+ remain"),
        (b"}K\x01Ns.", "holds no tensor|is cut short|not iterable"),
    ],
)
def test_pickles_that_take_all_time_or_memory(tmp_path, older, opcodes, said):
    path, pickled = tmp_path / "x.pth", b"\x80\x05" + opcodes
    if older:
        head = (pickle.dumps(part) for part in (0x1950A86A20F9469CFC6C, 1001, {}))
        path.write_bytes(b"".join(head) + pickled + pickle.dumps(["0"]))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("m/data.pkl", pickled)
    with pytest.raises(ValueError, match=rf"x\.pth: no PyTorch state dict of arrays \(.*({said})"):
        training.read_state_dict(path)


def test_a_tensor_is_named_by_a_text(tmp_path):
    with torch_modules():
        state = {7: Piece("0", np.zeros(3, np.float32))}
        write_zip(tmp_path / "x.pth", state, pieces_of(state))
    with pytest.raises(ValueError, match="the name of a tensor is no text"):
        training.read_state_dict(tmp_path / "x.pth")


def test_what_is_in_a_zip_archive_is_neither_compressed_nor_one_in_another(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", b"\x80\x02" + b"N0" * (1 << 24) + b"}.")
    with pytest.raises(ValueError, match="'m/data.pkl' in it is compressed or encrypted"):
        training.read_state_dict(tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "y.pth", "w") as archive:
        archive.writestr("m/data.pkl", bytes(1000))
        for _ in range(3):  # entries that stand for the same bytes
            archive.filelist.append(archive.filelist[0])
    with pytest.raises(ValueError, match="what is in it is longer than the file"):
        training.read_state_dict(tmp_path / "y.pth")
    os.mkfifo(tmp_path / "z.pth")
    with pytest.raises(OSError, match="a pipe or a device"):
        training.read_state_dict(tmp_path / "z.pth")


def test_other_files(tmp_path):
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="older layout"):
        training.read_state_dict(tmp_path / "x.pth")
    with pytest.raises(FileNotFoundError):
        training.read_state_dict(tmp_path / "none.pth")
