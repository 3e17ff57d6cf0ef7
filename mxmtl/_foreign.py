"""MXNet's files from elsewhere, looked at before MXNet sees them.

MXNet takes what stands in a symbol file for what it has written itself: an operator whose
attribute is an address that it calls, a number of an output that is not there, a length that is
larger than the file. So the operators come from a list, numbers are checked, and the heads of
arrays are walked against the file's size. What a file may not hold is one line of error.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from typing import IO, Any

from ._files import PathLike, open_regular

# What networks are made of. Add to it what yours has beside: OPERATORS.add("name").
OPERATORS = set(
    """
    null Activation BatchNorm BatchNorm_v1 BlockGrad Cast Concat Convolution Convolution_v1 Crop
    Deconvolution Dropout ElementWiseSum Embedding Flatten FullyConnected GroupNorm
    IdentityAttachKLSparseReg InstanceNorm L2Normalization LRN LayerNorm LeakyReLU
    LinearRegressionOutput LogisticRegressionOutput MAERegressionOutput MakeLoss Pad Pooling
    Pooling_v1 RNN Reshape SVMOutput SequenceLast SequenceMask SequenceReverse SliceChannel Softmax
    SoftmaxActivation SoftmaxOutput SwapAxis UpSampling
    _arange _contrib_AdaptiveAvgPooling2D _contrib_BatchNormWithReLU _contrib_BilinearResize2D
    _contrib_SyncBatchNorm _contrib_arange_like _contrib_div_sqrt_dim _contrib_gradientmultiplier
    _contrib_interleaved_matmul_encdec_qk _contrib_interleaved_matmul_encdec_valatt
    _contrib_interleaved_matmul_selfatt_qk _contrib_interleaved_matmul_selfatt_valatt
    _contrib_quadratic _contrib_round_ste _contrib_sign_ste
    _copy _div_scalar _equal _equal_scalar _eye _full _grad_add _greater _greater_equal
    _greater_equal_scalar _greater_scalar _hypot _hypot_scalar _identity_with_attr_like_rhs _lesser
    _lesser_equal _lesser_equal_scalar _lesser_scalar _linspace _logical_and _logical_and_scalar
    _logical_or _logical_or_scalar _logical_xor _logical_xor_scalar _maximum _maximum_scalar
    _minimum _minimum_scalar _minus_scalar _mod _mod_scalar _mul _mul_scalar _not_equal
    _not_equal_scalar _ones _plus_scalar _power _power_scalar _rdiv_scalar _rminus_scalar
    _rmod_scalar _rnn_param_concat _rpower_scalar _split_v2 _square_sum _sub _zeros
    _add _div _minus _plus _linalg_gemm _linalg_gemm2 _linalg_syrk linalg_gemm linalg_gemm2
    linalg_syrk
    _DivScalar _EqualScalar _GreaterScalar _GreaterEqualScalar _LesserScalar _LesserEqualScalar
    _MaximumScalar _MinimumScalar _MinusScalar _MulScalar _NotEqualScalar _PlusScalar _PowerScalar
    _RDivScalar _RMinusScalar _RPowerScalar _Plus _Minus _Mul _Div _Power _Maximum _Minimum
    abs add_n amp_cast amp_multicast arccos arccosh arcsin arcsinh arctan arctanh argmax
    argmax_channel argmin argsort batch_dot broadcast_add broadcast_axes broadcast_axis
    broadcast_div broadcast_equal broadcast_greater broadcast_greater_equal broadcast_hypot
    broadcast_lesser broadcast_lesser_equal broadcast_like broadcast_logical_and
    broadcast_logical_or broadcast_logical_xor broadcast_maximum broadcast_minimum broadcast_minus
    broadcast_mod broadcast_mul broadcast_not_equal broadcast_plus broadcast_power broadcast_sub
    broadcast_to cast cbrt ceil clip concat cos cosh crop cumsum degrees depth_to_space diag dot
    elemwise_add elemwise_div elemwise_mul elemwise_sub erf erfinv exp expand_dims expm1 fix
    flatten flip floor gamma gammaln hard_sigmoid identity log log10 log1p log2 log_softmax
    logical_not make_loss max max_axis mean min min_axis moments nanprod nansum negative norm
    one_hot ones_like pad pick prod radians rcbrt reciprocal relu repeat reshape reshape_like
    reverse rint round rsqrt shape_array sigmoid sign sin sinh size_array slice slice_axis
    slice_like smooth_l1 softmax softmin softsign sort space_to_depth split sqrt square squeeze
    stack stop_gradient sum sum_axis swapaxes take tan tanh tile topk transpose trunc where
    zeros_like
    _contrib_dequantize _contrib_quantize_v2 _contrib_quantized_act _contrib_quantized_batch_norm
    _contrib_quantized_concat _contrib_quantized_conv _contrib_quantized_elemwise_add
    _contrib_quantized_elemwise_mul _contrib_quantized_flatten
    _contrib_quantized_fully_connected _contrib_quantized_pooling _contrib_requantize
    _sg_mkldnn_conv _sg_mkldnn_fully_connected
    """.split()
)  # fmt: skip
# Operators with more than one output; of the others only the first is there.
THREE = {"BatchNorm", "BatchNorm_v1", "LayerNorm", "GroupNorm", "RNN", "_contrib_SyncBatchNorm",
         "_contrib_BatchNormWithReLU", "InstanceNorm"}  # fmt: skip
TWO = {"Dropout", "LRN", "L2Normalization", "topk", "moments", "LeakyReLU", "Pooling"}
MOST_SYMBOL = 1 << 26  # bytes of a symbol file
NEWEST = 99_999  # MXNet's version: 10901 is 1.9.1
MOST_NODES = 1 << 18
MOST_NUMBER = 1 << 26  # of an attribute such as num_filter, kernel or reps
DEEP = 2  # networks within networks: those that stand for one operator in 8 bits
POSITIVE = ("stride", "dilate", "num_group", "num_filter", "num_hidden", "num_outputs",
            "block_size")  # fmt: skip
SIZES = (*POSITIVE, "kernel", "pad", "pad_width", "reps", "repeats", "shape", "depth", "scale",
         "height", "width", "output_size", "state_size", "num_layers", "nsize", "step")  # fmt: skip
LIST, DENSE, TYPES = 0x112, 0, {0: 4, 1: 8, 2: 2, 3: 1, 4: 4, 5: 1, 6: 8, 7: 1, 8: 2, 12: 2}
FIRST_VERSION, SECOND_VERSION, THIRD_VERSION = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DIMENSIONS = 32


def load_symbol(path: PathLike) -> Any:
    """Load a symbol file as ``mx.sym.load`` does; `ValueError` for what it may not hold."""
    import mxnet as mx

    name = os.fspath(path)
    with open_regular(path) as stream:
        data = stream.read(MOST_SYMBOL + 1)
    try:
        if len(data) > MOST_SYMBOL:
            raise ValueError(f"it has more than {MOST_SYMBOL} bytes")
        graph = json.loads(data.decode("utf-8"))
        check_graph(graph)
        # Written anew: what was checked is what MXNet reads, whatever stands twice in the file.
        text = json.dumps(graph, ensure_ascii=False)
        text.encode("utf-8")  # half a character is none
    except RecursionError:
        raise ValueError(f"{name}: no network (it is nested too deep).") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{name}: no network that is taken ({reason}).") from None
    with mxnet_reads(f"{name}: MXNet does not read it"):
        symbol = mx.sym.load_json(text)
        symbol.get_internals().list_outputs()  # where it is gone through for the first time
        symbol.attr_dict()
        return symbol


@contextlib.contextmanager
def mxnet_reads(otherwise: str) -> Iterator[None]:
    """Make what MXNet says of a network from elsewhere a `ValueError` of one line."""
    import mxnet as mx

    try:
        yield
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1].replace("MXNetError: ", "")
        raise ValueError(f"{otherwise}: {reason}") from error


def check_graph(graph: Any, depth: int = 0) -> None:
    """Raise `ValueError` for a symbol's JSON that MXNet must not see."""
    nodes, heads = graph["nodes"], graph["heads"]
    if not 0 < len(nodes) <= MOST_NODES or not isinstance(nodes, list):
        raise ValueError(f"{len(nodes)} nodes")
    outputs: list[int] = []
    for node in nodes:
        outputs.append(check_node(node, outputs, depth))
    if not heads:
        raise ValueError("it has no output")
    for entry in heads:
        check_entry(entry, outputs)
    variables = [place for place, node in enumerate(nodes) if node["op"] == "null"]
    listed = graph.get("arg_nodes", variables)
    if not set(listed) <= set(variables):
        raise ValueError("arg_nodes names what is no variable")
    _, version = graph.get("attrs", {}).get("mxnet_version", ("int", 0))
    if type(version) is not int or not 0 <= version <= NEWEST:
        raise ValueError(f"it is of MXNet {str(version)[:20]}")
    rows = graph.get("node_row_ptr", [])
    if not all(type(row) is int and 0 <= row < 1 << 31 for row in rows):
        raise ValueError("node_row_ptr holds what is no number of an output")


def check_node(node: Any, outputs: list[int], depth: int) -> int:
    """Check a node that follows others, of which the numbers of outputs are given; return its."""
    op, name, here = node["op"], node["name"], len(outputs)
    attributes: dict[str, Any] = {}
    for key in ("attrs", "param", "attr"):
        attributes.update(node.get(key, {}))
    texts = [op, name, *attributes, *attributes.values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"node {name!r}: a name or an attribute is no text")
    if op not in OPERATORS:
        raise ValueError(
            f"operator {op!r} is none of those that networks are read with. If you trust the file: "
            f"mxmtl.model.OPERATORS.add({op!r})"
        )
    for entry in node.get("inputs", []):
        check_entry(entry, outputs)
    for key, value in attributes.items():
        if key in SIZES:
            parts = value.strip("()[]L ").replace("L", "").split(",")
            numbers = [int(part[:20]) for part in parts if part.strip().isdecimal()]
            if any(number > MOST_NUMBER for number in numbers) or (
                key in POSITIVE and 0 in numbers
            ):
                raise ValueError(f"node {name!r}: {key} is {value[:40]}")
    waits = node.get("control_deps", [])
    if not all(type(before) is int and 0 <= before < here for before in waits):
        raise ValueError(f"node {name!r} waits for one that does not stand before it")
    within = node.get("subgraphs", [])
    if within and not op.startswith("_sg_"):
        raise ValueError(f"node {name!r}: {op} with a network in it")
    if depth >= DEEP:
        raise ValueError("networks within networks within networks")
    for part in within:
        check_graph(part, depth + 1)
    return num_outputs(op, attributes)


def check_entry(entry: Any, outputs: list[int]) -> None:
    """Check a pair of node and output, perhaps with a version."""
    numbers = list(entry)
    if not 2 <= len(numbers) <= 3 or not all(type(number) is int for number in numbers):
        raise ValueError(f"{str(entry)[:60]} is no output of a node")
    node, output = numbers[:2]
    if not 0 <= node < len(outputs) or not 0 <= output < outputs[node]:
        raise ValueError(f"there is no output {output} of node {node} here")
    if len(numbers) == 3 and not 0 <= numbers[2] < 1 << 31:
        raise ValueError(f"there is no version {numbers[2]} of an output")


def num_outputs(op: str, attributes: Mapping[str, str]) -> int:
    """Return how many outputs a node has at most."""
    if op in ("SliceChannel", "split", "amp_multicast"):
        return min(max(int(attributes.get("num_outputs", 1)), 1), MOST_NODES)
    if op == "_split_v2":
        sections = int(attributes.get("sections", 0))
        return min(max(sections, attributes.get("indices", "").count(",") + 2), MOST_NODES)
    if op in THREE or op.startswith(("_contrib_quantize", "_contrib_requantize", "_sg_")):
        return 3
    return 2 if op in TWO else 1


# -- arrays ----------------------------------------------------------------------------------------
def load_arrays(path: PathLike) -> dict[str, Any]:
    """Load arrays as ``mx.nd.load`` does; `ValueError` naming the file if it is something else.

    `OSError` if there is none. A file without arrays, or without their names, is a dictionary
    without entries.
    """
    import mxnet as mx

    name = os.fspath(path)
    try:
        with open_regular(path) as stream:
            check_arrays(stream, os.fstat(stream.fileno()).st_size)
        found = mx.nd.load(name)
    except (mx.MXNetError, UnicodeDecodeError, struct.error, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{name}: no file of MXNet's arrays ({reason}).") from error
    return found if isinstance(found, dict) else {}


def check_arrays(stream: IO[bytes], size: int) -> None:
    """Walk the heads of arrays; `ValueError` unless they fill the file.

    Source: NDArray::Save and Load in MXNet's src/ndarray/ndarray.cc.
    """

    def read(form: str) -> tuple[int, ...]:
        return struct.unpack("<" + form, stream.read(struct.calcsize("<" + form)))

    if read("QQ")[0] != LIST:
        raise ValueError("it does not begin as one")
    (count,) = read("Q")
    for number in range(count):
        check_array(stream, read, size, number)
    (names,) = read("Q")
    if names not in (0, count):
        raise ValueError(f"{names} names for {count} arrays")
    for _ in range(names):
        (length,) = read("Q")
        if length > size - stream.tell():
            raise ValueError("a name is longer than the file")
        stream.seek(length, os.SEEK_CUR)
    if stream.tell() != size:
        raise ValueError(f"{size} bytes, of which {stream.tell()} are told")


def check_array(stream: IO[bytes], read: Any, size: int, number: int) -> None:
    """Go past one array."""
    (version,) = read("I")
    if version in (SECOND_VERSION, THIRD_VERSION) and read("i")[0] != DENSE:
        raise ValueError(f"array {number} is sparse")
    known = version in (FIRST_VERSION, SECOND_VERSION, THIRD_VERSION)
    dimensions = read("i")[0] if known else version  # older files begin with it
    if not 0 <= dimensions <= DIMENSIONS:
        raise ValueError(f"array {number} has {dimensions} dimensions")
    shape = read(f"{dimensions}{'q' if known else 'I'}")
    if dimensions == 0 and version != THIRD_VERSION:
        raise ValueError(f"array {number} holds nothing")
    if any(length < (version != THIRD_VERSION) for length in shape):
        raise ValueError(f"array {number} has shape {shape}")
    _, _, kind = read("iii")  # the device's kind and number come first
    if kind not in TYPES:
        raise ValueError(f"array {number} has numbers of kind {kind}")
    length = TYPES[kind]
    for edge in shape:
        length *= edge
    if length > size - stream.tell():
        raise ValueError(f"array {number} of shape {shape} is longer than the file")
    stream.seek(length, os.SEEK_CUR)
