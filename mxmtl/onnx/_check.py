"""ONNX files from elsewhere, looked at before ONNX Runtime sees them.

A graph may name other files of the machine, go in circles without end, and ask for tensors that
the file does not hold. So it is walked first, as the bytes of its messages (protocol buffers): the
operators come from a list, none has a graph within it, weights are in the file and fill the shapes
that they have, and numbers such as pads stay within bounds.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence

# What exported networks are made of, and what ONNX Runtime makes of them for 8 bits. Add to it
# what yours has beside: ALLOWED.add("name").
ALLOWED = set(
    """
    Abs Add And ArgMax ArgMin Atan AveragePool BatchNormalization Cast Ceil Clip Concat Constant
    Conv ConvTranspose Cos DepthToSpace Div Dropout Elu Equal Erf Exp Flatten Floor Gather Gelu Gemm
    GlobalAveragePool GlobalMaxPool Greater GroupNormalization HardSigmoid HardSwish Identity
    InstanceNormalization LRN LayerNormalization LeakyRelu Less Log LogSoftmax MatMul Max MaxPool
    Min Mul Neg Not Or PRelu Pad Pow Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin Slice Softmax Softplus Softsign
    SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Transpose Unsqueeze Where
    ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul
    QuantizeLinear DynamicQuantizeMatMul MatMulIntegerToFloat QGemm QLinearAdd QLinearAveragePool
    QLinearConcat QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearSigmoid
    QLinearSoftmax
    """.split()
)
DOMAINS = ("", "ai.onnx", "com.microsoft")
MOST_FIELDS = 1 << 22  # of all messages together
MOST_NUMBER = 1 << 16  # of an attribute such as axis or group
MOST_PIXELS = 1 << 26  # of the numbers of output_shape or kernel_shape together
MOST_EDGES = 64  # of an array
MOST_PADS = 1 << 12  # that stand before and behind all edges
MOST_TIMES = 1 << 12  # by which a layer makes an image larger
# The bytes of one number of a tensor, by the number of its type.
BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
INT64, FLOAT = 7, 1
# The numbers of fields stand in onnx.proto.
NO_MODEL = {20: "it has a training in it", 25: "it has functions of its own"}
NO_ATTRIBUTE = {6: "a graph", 11: "graphs", 14: "types", 15: "types", 22: "sparse weights",
                23: "sparse weights"}  # fmt: skip


def check_onnx(data: bytes) -> None:
    """Raise `ValueError` for a file that ONNX Runtime must not see."""
    left = [MOST_FIELDS]
    graphs = []
    for number, value in fields(data, left):
        if number in NO_MODEL:
            raise ValueError(NO_MODEL[number])
        graphs += [message(value)] if number == 7 else []
    if len(graphs) != 1:
        raise ValueError(f"it has {len(graphs)} graphs")
    known: dict[str, tuple[float, ...]] = {}
    nodes = []
    for number, value in fields(graphs[0], left):
        if number == 15:
            raise ValueError("it has sparse weights")
        if number == 5:
            name, numbers = check_tensor(message(value), left)
            known[name] = numbers
        nodes += [message(value)] if number == 1 else []
    for node in nodes:
        check_node(node, known, left)


def fields(data: bytes | memoryview, left: list[int]) -> Iterator[tuple[int, int | memoryview]]:
    """Go through a message: number and value of each field; ``left`` counts how many may be."""
    view, at = memoryview(data), 0
    while at < len(view):
        left[0] -= 1
        if left[0] < 0:
            raise ValueError(f"it has more than {MOST_FIELDS} fields")
        key, at = varint(view, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(view, at)
            yield number, value
            continue
        if wire == 2:
            length, at = varint(view, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of kind {wire}")
        if length > len(view) - at:
            raise ValueError("it is cut off")
        yield number, view[at : at + length]
        at += length


def varint(view: memoryview, at: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte; return it, and where the next begins."""
    value = 0
    for place in range(10):
        if at + place >= len(view):
            raise ValueError("it is cut off")
        byte = view[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value & (1 << 64) - 1, at + place + 1
    raise ValueError("a number has no end")


def message(value: int | memoryview) -> memoryview:
    """Return what is within a field; `ValueError` for a number."""
    if isinstance(value, int):
        raise ValueError("a number stands where a message should")
    return value


def whole_numbers(value: int | memoryview) -> list[int]:
    """Return the numbers with a sign of a field, one or many after each other."""
    found, at = [value] if isinstance(value, int) else [], 0
    while not isinstance(value, int) and at < len(value):
        one, at = varint(value, at)
        found.append(one)
    return [one - (1 << 64) if one >> 63 else one for one in found]


def product(numbers: Sequence[float]) -> float:
    """Return the product of the edges of an array; infinity for more than any has."""
    return math.prod(numbers) if len(numbers) <= MOST_EDGES else math.inf


def text_of(value: int | memoryview) -> str:
    """Return a text of a field."""
    return bytes(message(value)).decode("utf-8", "backslashreplace")


def check_tensor(data: memoryview, left: list[int]) -> tuple[str, tuple[float, ...]]:
    """Check an array; return its name, and its numbers where they are few."""
    name, shape, kind, raw = "", [], 0, None
    for number, value in fields(data, left):
        if number == 1:
            shape += whole_numbers(value)
        elif number == 2:
            (kind,) = whole_numbers(value) or (0,)
        elif number == 8:
            name = text_of(value)
        elif number == 9:
            raw = message(value)
        elif number in (3, 13) or (number == 14 and value):
            raise ValueError(f"weights {name[:80]!r} are not in the file itself")
    if kind not in BYTES or min(shape, default=0) < 0:
        raise ValueError(f"weights {name[:80]!r} have kind {kind} and shape {shape[:9]}")
    count = product(shape)
    # In fields of their own numbers take a byte or more.
    if count > len(data) or (raw is not None and count * BYTES[kind] != len(raw)):
        raise ValueError(f"weights {name[:80]!r} of shape {shape[:9]} do not fill the file")
    if raw is None or count > 64 or kind not in (INT64, FLOAT):
        return name, ()
    return name, struct.unpack(f"<{count}{'q' if kind == INT64 else 'f'}", raw)


def check_node(data: memoryview, known: Mapping[str, Sequence[float]], left: list[int]) -> None:
    """Check an operator, given the numbers of short arrays that it may read."""
    op, inputs, attributes = "", [], {}
    for number, value in fields(data, left):
        if number == 1:
            inputs.append(text_of(value))
        elif number == 4:
            op = text_of(value)
            if op not in ALLOWED:
                raise ValueError(
                    f"operator {op[:80]!r} is none of those that networks are read with. If you "
                    "trust the file, add its name to ALLOWED"
                )
        elif number == 5:
            name, numbers = check_attribute(message(value), left)
            attributes[name] = numbers
        elif number == 7 and text_of(value) not in DOMAINS:
            raise ValueError(f"an operator of {text_of(value)[:80]!r}")
    if not op:
        raise ValueError("a node without an operator")
    check_growth(op, attributes, [known.get(name, ()) if name else None for name in inputs])


def check_attribute(data: memoryview, left: list[int]) -> tuple[str, list[int]]:
    """Check an option of an operator; return its name, and its whole numbers."""
    name, numbers, tensors = "", [], 0
    for number, value in fields(data, left):
        if number in NO_ATTRIBUTE:
            raise ValueError(f"an operator has {NO_ATTRIBUTE[number]} within it")
        if number == 1:
            name = text_of(value)
        elif number in (3, 8):
            numbers += whole_numbers(value)
        elif number in (5, 10):
            check_tensor(message(value), left)
            tensors += number == 5
    if tensors > 1 or any(abs(one) > MOST_NUMBER for one in numbers):
        raise ValueError(f"attribute {name[:80]!r} is {numbers[:9]}")
    return name, numbers


def check_growth(
    op: str, attributes: Mapping[str, Sequence[int]], inputs: Sequence[Sequence[float] | None]
) -> None:
    """Bound by how much a layer makes images larger; what it reads for that is in the file."""
    read = [*inputs, None, None, None][1:4]
    pads: list[float] = [*attributes.get("pads", ()), *attributes.get("output_padding", ())]
    times, pixels, told = 1.0, 0.0, True
    match op:
        case "Pad":
            pads += read[0] or ()
            told = len(pads) > 0
        case "Resize":
            times, pixels = product(read[1] or ()), product(read[2] or ())
            told = bool(read[1] or read[2])
        case "ConvTranspose":
            times = product(attributes.get("strides", ()))
    for name in ("output_shape", "kernel_shape"):
        pixels = max(pixels, product(attributes.get(name, ())))
    bounded = sum(map(abs, pads)) <= MOST_PADS and 0 <= times <= MOST_TIMES
    if not (told and bounded and pixels <= MOST_PIXELS):  # nan is not bounded
        raise ValueError(f"{op} makes images too large, or does not say in the file how large")
