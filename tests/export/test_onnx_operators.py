"""Each operator that is put into ONNX: ONNX Runtime computes what MXNet computes."""

from __future__ import annotations

from mxmtl.export import UnsupportedOperatorError
from mxmtl.onnx import IR_VERSION, OPERATORS, OPSET, Graph, convert

import mxnet as mx
import numpy as np
import onnx
import onnxruntime
import pytest

S = mx.sym
SHAPE = (4, 9, 7)  # sizes that no stride divides


DATA = S.var("data")  # one object: a second variable of that name would be another input


def data():
    return DATA


def zeros():
    return S.pad(
        -S.abs(data()), mode="constant", constant_value=0, pad_width=(0, 0, 0, 0, 1, 1, 1, 1)
    )


def pool(**options):
    return S.Pooling(data(), **{"kernel": (3, 3), "stride": (2, 2), **options})


def halves(**options):
    parts = S.split(data(), num_outputs=2, axis=1, **options)
    return parts[0] - 2 * parts[1]


PROBES = {
    "convolution": lambda: S.Convolution(
        data(), num_filter=6, kernel=(3, 2), stride=(2, 1), pad=(1, 1), dilate=(1, 2), num_group=2
    ),
    "convolution without bias": lambda: S.Convolution(
        data(), num_filter=5, kernel=(3, 3), no_bias=True
    ),
    "deconvolution": lambda: S.Deconvolution(
        data(), num_filter=6, kernel=(3, 3), stride=(2, 2), pad=(1, 1), adj=(1, 1), num_group=2
    ),
    "deconvolution with bias": lambda: S.Deconvolution(
        data(), num_filter=3, kernel=(2, 2), no_bias=False
    ),
    "dense": lambda: S.FullyConnected(data(), num_hidden=3),
    "products of a batch": lambda: S.batch_dot(
        S.reshape(data(), (0, 0, -1)), S.reshape(data(), (0, 0, -1)), transpose_b=True
    ),
    "products of a batch, turned": lambda: S.batch_dot(
        S.reshape(data(), (0, 0, -1)), S.reshape(data(), (0, 0, -1)), transpose_a=True
    ),
    "dense without bias": lambda: S.FullyConnected(data(), num_hidden=3, no_bias=True),
    "dense of a flat input": lambda: S.FullyConnected(S.Flatten(data()), num_hidden=3),
    "dense of the last axis": lambda: S.FullyConnected(data(), num_hidden=3, flatten=False),
    "dense of the last axis without bias": lambda: S.FullyConnected(
        data(), num_hidden=3, flatten=False, no_bias=True
    ),
    "batch norm": lambda: S.BatchNorm(data(), fix_gamma=False, eps=1e-5),
    "batch norm, gamma fixed": lambda: S.BatchNorm(data(), fix_gamma=True),
    "batch norm, gamma fixed by default": lambda: S.BatchNorm(data()),
    "batch norm, flat": lambda: S.BatchNorm(S.Flatten(data()), fix_gamma=False),
    "layer norm": lambda: S.LayerNorm(data(), eps=1e-3),
    "instance norm": lambda: S.InstanceNorm(data()),
    "group norm": lambda: S.GroupNorm(data(), num_groups=2, eps=1e-3),
    "l2, instance": lambda: S.L2Normalization(data()),
    "l2, channel": lambda: S.L2Normalization(data(), mode="channel", eps=1e-2),
    "l2, spatial": lambda: S.L2Normalization(data(), mode="spatial"),
    "lrn": lambda: S.LRN(data(), nsize=3, alpha=0.1, knorm=1.0),
    **{
        f"{kind} pooling, {convention}, pad {pad}, include {include}": (
            lambda kind=kind, convention=convention, pad=pad, include=include: pool(
                pool_type=kind,
                pooling_convention=convention,
                pad=(pad, pad),
                count_include_pad=include,
            )
        )
        for kind in ("max", "avg")
        for convention in ("valid", "full")
        for pad in (0, 1)
        for include in (True, False)
    },
    "pooling of stride 3": lambda: pool(pool_type="avg", stride=(3, 3), pooling_convention="full"),
    "pooling, flat kernel": lambda: pool(pool_type="avg", kernel=(1, 3), stride=(1, 2)),
    "sum pooling": lambda: pool(pool_type="sum", pad=(1, 1)),
    "zeros before a maximum": lambda: S.Pooling(zeros(), kernel=(3, 3), pool_type="max"),
    "zeros before a maximum, further": lambda: S.Pooling(S.Dropout(zeros()), kernel=(3, 3)),
    "zeros before an average": lambda: S.Pooling(zeros(), kernel=(3, 3), pool_type="avg"),
    "average beyond the padding": lambda: pool(
        pool_type="avg", kernel=(4, 2), stride=(3, 3), pad=(1, 0), pooling_convention="full"
    ),
    "max pooling of all": lambda: S.Pooling(data(), kernel=(2, 2), global_pool=True),
    "average of all": lambda: S.Pooling(data(), global_pool=True, pool_type="avg"),
    "sum of all": lambda: S.Pooling(data(), global_pool=True, pool_type="sum"),
    "adaptive average": lambda: S.contrib.AdaptiveAvgPooling2D(data(), output_size=1),
    "adaptive average in parts": lambda: S.contrib.AdaptiveAvgPooling2D(data(), output_size=(3, 1)),
    "nearest": lambda: S.UpSampling(data(), scale=2, sample_type="nearest"),
    **{
        f"activation {kind}": lambda kind=kind: S.Activation(data(), act_type=kind)
        for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign")
    },
    **{
        f"leaky {kind}": lambda kind=kind: S.LeakyReLU(data(), act_type=kind, slope=0.3)
        for kind in ("leaky", "elu", "selu", "gelu", "prelu")
    },
    "leaky rrelu": lambda: S.LeakyReLU(data(), act_type="rrelu", lower_bound=0.2)[0],
    "flat prelu": lambda: S.LeakyReLU(S.Flatten(data()), act_type="prelu"),
    "clip": lambda: S.clip(data(), -0.5, 0.7),
    "hard sigmoid": lambda: S.hard_sigmoid(data(), alpha=0.3, beta=0.4),
    "softmax": lambda: S.softmax(data(), axis=1, temperature=2.5),
    "softmax of the last axis": lambda: S.softmax(data()),
    "log softmax": lambda: S.log_softmax(data(), axis=1),
    "dropout": lambda: S.Dropout(data(), p=0.4),
    "cast": lambda: S.Cast(data(), dtype="float32"),
    **{
        name: lambda name=name: getattr(S, name)(data() if positive_not_needed(name) else above())
        for name in (
            "relu",
            "sigmoid",
            "tanh",
            "arctan",
            "sign",
            "softsign",
            "exp",
            "log",
            "sqrt",
            "rsqrt",
            "abs",
            "negative",
            "erf",
            "floor",
            "ceil",
            "reciprocal",
            "identity",
            "BlockGrad",
            "square",
        )
    },
    "scalars": lambda: (2 - (data() + 1.5) * 3) / 4 - 0.25,
    "scalar powers": lambda: 1 / above() + above() ** 1.5 + 2 ** data(),
    "scalar bounds": lambda: S.maximum(data(), 0.1) + S.minimum(data(), 0.2),
    "cell by cell": lambda: (data() + above()) * (data() - above()) / above(),
    "bounds": lambda: S.maximum(data(), above()) + S.minimum(data(), above() - 3) ** 2,
    "powers": lambda: above() ** data(),
    "broadcast": lambda: S.broadcast_mul(data(), S.mean(data(), axis=(2, 3), keepdims=True)),
    "broadcast bounds": lambda: S.broadcast_maximum(data(), S.broadcast_minimum(data(), data())),
    "broadcast powers": lambda: S.broadcast_power(above(), S.broadcast_add(data(), data())),
    "broadcast quotients": lambda: S.broadcast_div(S.broadcast_sub(data(), above()), above()),
    "sum of several": lambda: S.add_n(data(), data(), above()),
    "concat": lambda: S.concat(data(), above(), dim=-3),
    "stack": lambda: S.stack(data(), above(), axis=2),
    "split": halves,
    "split and squeezed": lambda: S.split(data(), num_outputs=4, axis=1, squeeze_axis=True)[3],
    "slice of an axis": lambda: S.slice_axis(data(), axis=2, begin=1, end=-2),
    "slice to the end": lambda: S.slice_axis(data(), axis=-1, begin=2, end=None),
    "slice": lambda: S.slice(data(), begin=(None, 1, 2), end=(None, 3, None)),
    "transpose": lambda: S.transpose(data(), axes=(0, 3, 1, 2)),
    "swapped axes": lambda: S.swapaxes(data(), dim1=1, dim2=-1),
    "zeros around": lambda: S.pad(
        data(), mode="constant", constant_value=2, pad_width=(0, 0, 0, 0, 0, 1, 2, 3)
    ),
    "edges around": lambda: S.pad(data(), mode="edge", pad_width=(0, 0, 0, 0, 2, 1, 0, 3)),
    "mirrored around": lambda: S.pad(data(), mode="reflect", pad_width=(0, 0, 0, 0, 2, 1, 0, 3)),
    "expanded": lambda: S.squeeze(S.expand_dims(data(), axis=1), axis=1) * 2,
    "reshape": lambda: S.reshape(data(), shape=(0, -3, 7)),
    "reshape, backwards": lambda: S.reshape(data(), shape=(-1, 9, 0), reverse=True),
    "flatten": lambda: S.Flatten(data()),
    "mean": lambda: S.mean(data(), axis=2),
    "mean of the others": lambda: S.mean(data(), axis=(0, 1), exclude=True),
    "sum": lambda: S.sum(data(), axis=(1, -1), keepdims=True),
    "max": lambda: S.max(data(), axis=-1),
    "min": lambda: S.min(data(), axis=(2, 3)),
}


def positive_not_needed(name):
    return name not in ("log", "sqrt", "rsqrt", "reciprocal")


def above():
    return S.abs(data()) + 0.5


def run_mxnet(symbol, images):
    """Return the output, and parameters drawn so that each of them matters."""
    rng = np.random.RandomState(3)
    arguments, _, states = symbol.infer_shape(data=images.shape)
    draw = lambda shape: mx.nd.array(rng.uniform(0.5, 1.5, shape))  # noqa: E731
    args = dict(zip(symbol.list_arguments(), map(draw, arguments)))
    auxs = dict(zip(symbol.list_auxiliary_states(), map(draw, states)))
    args["data"] = mx.nd.array(images)
    held = {name: array.copy() for name, array in args.items()}  # fix_gamma writes ones into it
    bound = symbol.bind(mx.cpu(), held, aux_states=auxs, grad_req="null")
    return bound.forward(is_train=False)[0].asnumpy(), {**args, **auxs}


def run_onnx(symbol, params, images):
    graph = Graph(["data", "out"])
    (made,) = convert(graph, symbol, params, data="data", data_shape=images.shape[1:])
    graph.output(made, "out")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    ranks = symbol.infer_shape(data=images.shape)[1][0]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "probe",
            [helper.make_tensor_value_info("data", kind, ["N", *images.shape[1:]])],
            [helper.make_tensor_value_info("out", kind, ["N", *ranks[1:]])],
            graph.used_initializers(),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    # ONNX Runtime 1.19.2 fuses it into an average, 1.31.1 into a maximum, and errs.
    fed = [graph.source(n.input[0]) for n in graph.nodes if n.op_type in ("MaxPool", "AveragePool")]
    assert "Pad" not in fed
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"data": images})[0]


@pytest.mark.parametrize("name", PROBES)
def test_onnxruntime_computes_what_mxnet_computes(name):
    with mx.name.NameManager():
        symbol = PROBES[name]()
    for count in (3, 1):  # the batch is free
        images = np.random.RandomState(count).uniform(-2, 2, (count, *SHAPE)).astype(np.float32)
        expected, params = run_mxnet(symbol, images)
        found = run_onnx(symbol, params, images)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_every_operator_of_the_table_is_probed():
    used = set()
    for probe in PROBES.values():
        used |= {node["op"] for node in _nodes(probe())}
    assert set(OPERATORS) - used == set()


def _nodes(symbol):
    import json

    return json.loads(symbol.tojson())["nodes"]


REFUSED = {
    "BilinearResize2D": lambda: S.contrib.BilinearResize2D(data(), height=4, width=4),
    "khatri_rao": lambda: S.khatri_rao(S.reshape(data(), (2, -1)), S.reshape(data(), (2, -1))),
    "mode=always": lambda: S.Dropout(data(), mode="always"),
    "pool_type=lp": lambda: pool(pool_type="lp", p_value=2),
    "target_shape": lambda: S.Deconvolution(
        data(), num_filter=2, kernel=(3, 3), target_shape=(9, 7)
    ),
    "axis is not 1": lambda: S.BatchNorm(data(), axis=2),
    "images of a batch": lambda: S.broadcast_sub(data(), S.mean(data(), axis=0, keepdims=True)),
    "along the images of a batch": lambda: S.concat(data(), data(), dim=0),
    "cuts the batch": lambda: S.slice(data(), begin=(1,), end=(2,)),
    "step is not 1": lambda: S.slice(data(), begin=(None, 0), end=(None, 4), step=(1, 2)),
    "dtype=float16": lambda: S.Cast(data(), dtype="float16"),
    "does not divide": lambda: S.contrib.AdaptiveAvgPooling2D(data(), output_size=2),
    "outputs of training": lambda: S.BatchNorm(data(), output_mean_var=True)[1],
    "exists in training alone": lambda: S.LeakyReLU(data(), act_type="rrelu")[1],
}


@pytest.mark.parametrize("reason", list(REFUSED))
def test_what_onnx_has_not_is_refused_by_name(reason):
    symbol = REFUSED[reason]()
    arguments, _, states = symbol.infer_shape(data=(2, *SHAPE))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    params = {name: mx.nd.ones(shape) for name, shape in zip(names, [*arguments, *states])}
    with pytest.raises(UnsupportedOperatorError, match="operator") as caught:
        convert(Graph(["data"]), symbol, params, data="data", data_shape=SHAPE)
    assert reason.lower() in str(caught.value).lower()


def test_an_option_that_nobody_looked_at_is_refused():
    # min_calib_range says that the convolution is quantized, and its output something else.
    symbol = S.Pooling(data(), kernel=(2, 2), pool_type="max", p_value=3)
    with pytest.raises(UnsupportedOperatorError, match=r"Pooling \(node .*: p_value=3"):
        convert(Graph(["data"]), symbol, {}, data="data", data_shape=SHAPE)


def test_a_missing_parameter_is_named():
    symbol = S.FullyConnected(data(), num_hidden=3, name="fc")
    with pytest.raises(ValueError, match="'fc_weight' that is no parameter"):
        convert(Graph(["data"]), symbol, {}, data="data", data_shape=SHAPE)
