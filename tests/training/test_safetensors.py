"""Files of safetensors, read without it: equal to its own reader, and safe."""

import json
import struct

from mxmtl import training

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

safetensors = pytest.importorskip(
    "safetensors.numpy", reason="the package writes the files: pip install safetensors"
)
TYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def _write(path, header, data=b""):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(TYPES), st.lists(st.integers(0, 4), max_size=4)),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_arrays_come_back(tmp_path_factory, wanted):
    path = tmp_path_factory.mktemp("s") / "x.safetensors"
    rng = np.random.RandomState(0)
    arrays = {
        name: rng.uniform(0, 100, shape).astype(kind) for name, (kind, shape) in wanted.items()
    }
    safetensors.save_file(arrays, path, metadata={"format": "pt"})
    found = training.read_state_dict(path)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    values = np.array([1.0, -2.5, 3e30], np.float32)
    data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    entry = {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}
    found = training.read_state_dict(_write(tmp_path / "x.safetensors", {"module.a": entry}, data))
    np.testing.assert_allclose(found["a"], values, rtol=2**-8)


def test_files_cut_short(tmp_path):
    safetensors.save_file({"a": np.ones((3, 4), np.float32)}, tmp_path / "x.safetensors")
    data = (tmp_path / "x.safetensors").read_bytes()
    for length in range(0, len(data), 5):
        (tmp_path / "y.safetensors").write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"y\.safetensors: no safetensors file of arrays"):
            training.read_state_dict(tmp_path / "y.safetensors")


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]},
        {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": ["2"], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]},
        {"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [10**300] * 100_000, "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2]},
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "more": 1},
        [1, 2],
    ],
)
def test_headers_that_lie(tmp_path, entry):
    path = _write(tmp_path / "x.safetensors", {"a": entry}, b"12345678")
    with pytest.raises(ValueError, match=r"x\.safetensors: no safetensors file of arrays"):
        training.read_state_dict(path)


@pytest.mark.parametrize("header", [{}, [], 3, {"__metadata__": {}}])
def test_headers_that_hold_nothing(tmp_path, header):
    with pytest.raises(ValueError, match="no safetensors file"):
        training.read_state_dict(_write(tmp_path / "x.safetensors", header))


def test_a_header_longer_than_any_file(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(ValueError, match="a header of"):
        training.read_state_dict(tmp_path / "x.safetensors")
