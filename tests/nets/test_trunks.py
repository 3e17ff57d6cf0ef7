"""Trunks of all kinds, checkpoints both ways, and what is refused."""

import mxmtl
from tests import _cases

import mxnet as mx
import numpy as np
import pytest

TASKS = mxmtl.TaskSet(
    [mxmtl.Multiclass("breed", ["a", "b", "c"]), mxmtl.Multilabel("toys", ["x", "y"])]
)


def _small_symbol():
    data = mx.sym.var("data")
    conv = mx.sym.Convolution(data, kernel=(3, 3), num_filter=4, name="conv0")
    norm = mx.sym.BatchNorm(conv, name="bn0", fix_gamma=False)
    return mx.sym.Flatten(mx.sym.Activation(norm, act_type="relu"), name="flatten0")


def _fitted(symbol, tasks, shape=(4, 3, 8, 8)):
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    labels = [(task.label_name, task.label_shape(shape[0])) for task in tasks]
    module.bind([("data", shape)], labels)
    module.init_params(mx.init.Xavier())
    return module


def test_a_checkpoint_is_cut_at_a_layer_and_gets_new_heads(tmp_path):
    prefix = str(tmp_path / "old")
    module = _fitted(mxmtl.training_symbol(_small_symbol(), TASKS), TASKS)
    module.save_checkpoint(prefix, 3)
    trunk, args, auxs = mxmtl.load_trunk(prefix, 3, layer="flatten0_output")
    assert set(args) == {"conv0_weight", "conv0_bias", "bn0_gamma", "bn0_beta"}
    assert set(auxs) == {"bn0_moving_mean", "bn0_moving_var"}
    other = mxmtl.TaskSet([mxmtl.Regression("age")])
    symbol = mxmtl.training_symbol(trunk, other)
    assert symbol.list_outputs() == ["age_output"]
    again = mx.mod.Module(symbol, label_names=other.label_names)
    again.bind([("data", (4, 3, 8, 8))], [("age_label", (4,))])
    again.init_params(mx.init.Xavier(), arg_params=args, aux_params=auxs, allow_missing=True)
    np.testing.assert_array_equal(
        again.get_params()[0]["conv0_weight"].asnumpy(), args["conv0_weight"].asnumpy()
    )


@pytest.mark.parametrize("heads", ["csra(share=0.3)", "queries(units=4)", "mmoe(number=2)"])
def test_a_checkpoint_whose_heads_read_a_map_is_cut_there(tmp_path, heads):
    prefix, tasks = str(tmp_path / "old"), mxmtl.TaskSet([mxmtl.Multilabel("toys", ["a", "b"])])
    with mx.name.NameManager():
        trunk = mxmtl.small_trunk((4, 6))(mx.sym.var("data"))
        made = mxmtl.training_symbol(trunk, tasks, heads=heads)
    shape = (4, 3, 16, 16)
    module = _fitted(made, tasks, shape)
    module.save_checkpoint(prefix, 1)
    (layer,) = mxmtl.nets.features_of(made, tasks).list_outputs()
    with pytest.raises(
        ValueError, match=rf"no layer 'flat_output'. Did you mean one of \['{layer}'"
    ):
        mxmtl.load_trunk(prefix, 1, layer="flat_output")
    cut, args, auxs = mxmtl.load_trunk(prefix, 1, layer=layer)
    assert not [name for name in args if "toys" in name]
    other = mxmtl.TaskSet([mxmtl.Binary("outdoors"), *tasks])
    again = mxmtl.training_symbol(cut, other, heads={"toys": heads}, balance="upgrad")
    assert mxmtl.nets.features_of(again, other).list_outputs() == [layer]
    whole = mx.mod.Module(again, label_names=other.label_names)
    labels = [(task.label_name, task.label_shape(4)) for task in other]
    whole.bind([("data", shape)], labels)
    known = {**args, **{k: v for k, v in module.get_params()[0].items() if "toys" in k}}
    whole.init_params(mx.init.Xavier(), arg_params=known, aux_params=auxs, allow_missing=True)
    whole.forward(mx.io.DataBatch([mx.nd.ones(shape)], [mx.nd.ones(d[1]) for d in labels]))
    module.forward(mx.io.DataBatch([mx.nd.ones(shape)], [mx.nd.ones(labels[1][1])]))
    if not heads.startswith("mmoe"):  # whose experts were left behind
        np.testing.assert_allclose(
            whole.get_outputs()[1].asnumpy(), module.get_outputs()[0].asnumpy(), rtol=1e-5
        )


def test_a_layer_that_is_not_there_names_the_nearest(tmp_path):
    prefix = str(tmp_path / "old")
    _fitted(mxmtl.training_symbol(_small_symbol(), TASKS), TASKS).save_checkpoint(prefix, 1)
    with pytest.raises(ValueError, match=r"no layer 'flaten_output'.*'flatten0_output'"):
        mxmtl.load_trunk(prefix, 1, layer="flaten_output")


def test_one_params_file_serves_module_and_gluon(tmp_path):
    def fresh():
        trunk = mx.gluon.nn.HybridSequential(prefix="trunk_")
        with trunk.name_scope():
            trunk.add(mx.gluon.nn.Conv2D(4, 3), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Flatten())
        return mxmtl.MultiTaskNet(trunk, TASKS)

    net, images = fresh(), mx.nd.random.normal(shape=(4, 3, 8, 8))
    net.initialize(mx.init.Xavier())
    expected = [p.asnumpy() for p in TASKS.predict(net(images))]

    args, auxs = mxmtl.module_params(net)
    assert len(auxs) == 2
    symbol = mxmtl.training_symbol(net, TASKS)
    module = mx.mod.Module(symbol, label_names=TASKS.label_names)
    labels = [(task.label_name, task.label_shape(4)) for task in TASKS]
    module.bind([("data", images.shape)], labels, for_training=False)
    module.set_params(args, auxs)
    batch = mx.io.DataBatch([images], [mx.nd.zeros(shape) for _, shape in labels])
    module.forward(batch)
    for ours, theirs in zip(module.get_outputs(), expected):
        np.testing.assert_allclose(ours.asnumpy(), theirs, rtol=1e-5, atol=1e-6)

    module.save_checkpoint(str(tmp_path / "m"), 1)
    again = fresh()
    again.load_parameters(str(tmp_path / "m-0001.params"))
    for ours, theirs in zip(TASKS.predict(again(images)), expected):
        np.testing.assert_allclose(ours.asnumpy(), theirs, rtol=1e-5, atol=1e-6)

    saved = mx.sym.load(str(tmp_path / "m-symbol.json"))
    prediction = mxmtl.prediction_symbol(saved, TASKS)
    assert prediction.list_outputs() == TASKS.output_names
    assert not set(TASKS.label_names) & set(prediction.list_inputs())
    predictor = mx.mod.Module(prediction, label_names=None)
    predictor.bind([("data", images.shape)], for_training=False)
    predictor.set_params(args, auxs)
    predictor.forward(mx.io.DataBatch([images]))
    for ours, theirs in zip(predictor.get_outputs(), expected):
        np.testing.assert_allclose(ours.asnumpy(), theirs, rtol=1e-5, atol=1e-6)


def test_parameters_without_values_are_left_to_the_initializer():
    net = mxmtl.MultiTaskNet(mxmtl.small_trunk((4, 8)), TASKS)
    net.trunk.initialize()
    net.trunk(mx.nd.ones((1, 3, 16, 16)))
    args, auxs = mxmtl.module_params(net)
    assert {name.split("_")[0] for name in args} == {"small"}
    assert len(auxs) == 10
    module = mx.mod.Module(mxmtl.training_symbol(net, TASKS), label_names=TASKS.label_names)
    labels = [(task.label_name, task.label_shape(2)) for task in TASKS]
    module.bind([("data", (2, 3, 16, 16))], labels)
    module.init_params(mx.init.Xavier(), arg_params=args, aux_params=auxs, allow_missing=True)
    trained = module.get_params()[0]
    assert set(trained) == set(args) | {"breed_weight", "breed_bias", "toys_weight", "toys_bias"}


@pytest.mark.parametrize("name", ["resnet18_v1", "mobilenetv2_0.25", "densenet121", "vgg11_bn"])
def test_zoo_trunks_are_flat(name):
    trunk = mxmtl.zoo_trunk(name)
    symbol = mxmtl.training_symbol(trunk, TASKS)
    shapes = {task.label_name: task.label_shape(2) for task in TASKS}
    _, outputs, _ = symbol.infer_shape(data=(2, 3, 224, 224), **shapes)
    assert outputs == [(2, 3), (2, 2)]


def test_parameters_of_a_zoo_network_are_called_the_same_each_time(tmp_path):
    def net():
        made = mxmtl.MultiTaskNet(mxmtl.zoo_trunk("squeezenet1.1"), TASKS)
        made.initialize()
        made(mx.nd.ones((1, 3, 32, 32)))
        return made

    first, second = net(), net()
    first.save_parameters(str(tmp_path / "net.params"))
    args = {f"arg:{name}": each.data() for name, each in first.collect_params().items()}
    mx.nd.save(str(tmp_path / "module.params"), args)  # as Module does
    for file in ("net.params", "module.params"):
        second.load_parameters(str(tmp_path / file))
    assert list(second.collect_params()) == list(first.collect_params())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("resnet18", "resnet18_v1"),
        ("resnet50", "resnet50_v1"),
        ("resnet18v2", "resnet18_v2"),
        ("mobilenet_v2", "mobilenetv2_1.0"),
        ("densnet121", "densenet121"),
        ("vgg", "vgg11"),
    ],
)
def test_a_name_that_nobody_knows_and_what_was_meant(name, meant):
    with pytest.raises(ValueError, match=rf"'{name}' is no trunk. Did you mean '{meant}'\?"):
        mxmtl.nets.named_trunk(name)


def test_a_name_that_is_like_no_other():
    with pytest.raises(ValueError, match="is no trunk. mxmtl trunks lists those that have a name"):
        mxmtl.zoo_trunk("qqqqqq")


@pytest.mark.parametrize(
    "name",
    ["small", "efficientnet_lite2", "tf_efficientnet_lite4", "resnet18_v1", "mobilenetv2_0.5"],
)
def test_the_list_tells_the_size_of_a_trunk(name):
    symbol = mxmtl.nets.named_trunk(name)(mx.sym.var("data"))
    shapes, outputs, _ = symbol.infer_shape(data=(1, 3, 64, 64))
    sizes = [np.prod(s) for n, s in zip(symbol.list_arguments(), shapes) if n != "data"]
    assert round(sum(sizes) / 1e6, 1) == mxmtl.nets.TRUNKS[name].millions
    assert outputs == [(1, mxmtl.nets.TRUNKS[name].features)]


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("efficientnet_lite0", [96, 144, 240, 672, 1280]),
        ("resnet18_v1", [64, 64, 128, 256, 512]),
        ("vgg11_bn", [64, 128, 256, 512, 512]),
        ("densenet121", [64, 128, 256, 512, 1024]),
    ],
)
def test_stages_are_the_last_layers_of_each_size(name, channels):
    """Known from the papers: what each network has before it goes down, and at its end."""
    symbol = mxmtl.nets.named_trunk(name)(mx.sym.var("data"))
    layers = mxmtl.nets.stage_layers(symbol, (3, 224, 224))
    outputs = [symbol.get_internals()[layer] for layer in layers]
    shapes = [output.infer_shape(data=(1, 3, 224, 224))[1][0] for output in outputs]
    assert [shape[1] for shape in shapes] == channels
    sizes = [shape[2] for shape in shapes]
    assert sizes == sorted(sizes, reverse=True)


def test_stages_of_what_has_none():
    flat = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3)
    with pytest.raises(ValueError, match="no layers with height and width"):
        mxmtl.nets.stage_layers(flat, (3, 8, 8))
    symbol = mxmtl.zoo_trunk("inceptionv3")(mx.sym.var("data"))
    with pytest.raises(ValueError, match=r"does not take images of shape \(3, 8, 8\)"):
        mxmtl.nets.stage_layers(symbol, (3, 8, 8))


class _NoChain(mx.gluon.HybridBlock):
    """A network as GluonCV's ResNets are: no block of features, a classifier at the end."""

    def __init__(self, classifier):
        super().__init__()
        self.conv, self.classifier = mx.gluon.nn.Conv2D(6, 3), classifier

    def hybrid_forward(self, F, x):
        return self.classifier(F.relu(self.conv(x)))


def test_a_network_that_is_no_chain_is_cut_in_front_of_its_classifier(monkeypatch):
    network = _NoChain(mx.gluon.nn.Dense(1000))
    monkeypatch.setattr(mx.gluon.model_zoo.vision, "get_model", lambda name: network)
    trunk = mxmtl.zoo_trunk("no_chain")
    trunk.initialize()
    images = mx.nd.random.normal(shape=(2, 3, 8, 8))
    expected = mx.nd.relu(network.conv(images)).mean(axis=(2, 3))
    np.testing.assert_allclose(trunk(images).asnumpy(), expected.asnumpy(), rtol=1e-5)
    assert mxmtl.training_symbol(trunk, TASKS).list_outputs() == TASKS.output_names
    monkeypatch.setattr(
        mx.gluon.model_zoo.vision, "get_model", lambda name: _NoChain(mx.gluon.nn.Flatten())
    )
    with pytest.raises(ValueError, match="neither `features` nor a fully connected classifier"):
        mxmtl.zoo_trunk("no_classifier")


def test_gluoncv_trunks_are_flat():
    pytest.importorskip(
        "gluoncv",
        reason='no GluonCV: pip install "mxmtl[gluoncv]" && pip install --no-deps '
        "gluoncv==0.10.5.post0",
    )
    symbol = mxmtl.training_symbol(mxmtl.zoo_trunk("resnet18_v1b"), TASKS)
    shapes = {task.label_name: task.label_shape(2) for task in TASKS}
    assert symbol.infer_shape(data=(2, 3, 64, 64), **shapes)[1] == [(2, 3), (2, 2)]


def _zoo_net():
    return mx.gluon.model_zoo.vision.resnet18_v1().features


def test_a_symbol_that_is_not_flat_is_refused():
    conv = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=4, name="conv0")
    with pytest.raises(ValueError, match=r"not flat: conv0_output has shape.*mx.sym.Flatten"):
        mxmtl.training_symbol(conv, TASKS)
    with pytest.raises(ValueError, match=r"not flat"):
        mxmtl.prediction_symbol(_zoo_net()(mx.sym.var("data")), TASKS)


def test_features_that_come_flat_need_no_trunk():
    symbol = mxmtl.training_symbol(mx.sym.var("data"), TASKS)
    shapes = {task.label_name: task.label_shape(2) for task in TASKS}
    _, outputs, _ = symbol.infer_shape(data=(2, 512), **shapes)
    assert outputs == [(2, 3), (2, 2)]


@pytest.mark.parametrize("hybridize", [False, True])
def test_a_gluon_trunk_that_is_not_flat_is_refused(hybridize):
    net = mxmtl.MultiTaskNet(_zoo_net(), TASKS)
    net.initialize()
    if hybridize:
        net.hybridize()
    with pytest.raises(ValueError, match=r"the trunk is not flat: .*\(1, 512, 1, 1\)"):
        net(mx.nd.ones((1, 3, 64, 64)))


def test_a_trunk_with_two_outputs_is_refused():
    two = mx.sym.Group([_small_symbol(), mx.sym.var("x")])
    with pytest.raises(ValueError, match=r"outputs \['flatten0_output', 'x'\]; expected one"):
        mxmtl.training_symbol(two, TASKS)


def test_names_that_collide_with_the_trunk_are_refused():
    hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=8, name="breed")
    with pytest.raises(ValueError, match="'breed' would make 'breed_weight', which the trunk has"):
        mxmtl.training_symbol(hidden, TASKS)


def test_a_net_for_other_tasks_is_refused():
    net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), TASKS)
    with pytest.raises(ValueError, match=r"the net has heads .*'breed', 3.* but the tasks want"):
        mxmtl.training_symbol(net, _cases.task_set())


@pytest.mark.parametrize("make", [mxmtl.training_symbol, mxmtl.prediction_symbol])
@pytest.mark.parametrize(
    "others",
    [
        [mxmtl.Multiclass("m", ["x", "y", "z", "w"]), mxmtl.Binary("b")],
        [mxmtl.Multiclass("m", ["x", "y", "z"]), mxmtl.Multilabel("b", ["p", "q"])],
        [mxmtl.Binary("b"), mxmtl.Multiclass("m", ["x", "y", "z"])],
        [mxmtl.Multiclass("m", ["x", "y", "z"])],
        [mxmtl.Binary("other")],
    ],
)
def test_a_symbol_with_other_heads_is_refused(make, others):
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("m", ["x", "y", "z"]), mxmtl.Binary("b")])
    symbol = make(mx.sym.Flatten(mx.sym.var("data")), tasks)
    assert mxmtl.prediction_symbol(symbol, tasks).list_outputs() == tasks.output_names
    for derive in (mxmtl.training_symbol, mxmtl.prediction_symbol, mxmtl.nets.logits_symbol):
        with pytest.raises(ValueError, match=r"the net has heads .*'m', 3\), \('b', 1.* want"):
            derive(symbol, mxmtl.TaskSet(others))


@pytest.mark.parametrize("network", [None, "resnet18_v1", 3])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(TypeError, match="expected a Symbol or a gluon HybridBlock, got"):
        mxmtl.training_symbol(network, TASKS)


def test_a_symbol_is_no_gluon_trunk():
    with pytest.raises(TypeError, match=r"trunk is a Symbol.*training_symbol\(symbol, tasks\)"):
        mxmtl.MultiTaskNet(_small_symbol(), TASKS)


def test_joined_layers_are_the_means_side_by_side():
    with mx.name.NameManager():
        symbol = mxmtl.small_trunk((4, 6))(mx.sym.var("data"))
    names = ["small_flatten0_flatten0_output", "small_relu0_fwd_output", "small_conv3_fwd_output"]
    joined = mxmtl.nets.joined_layers(symbol, names)
    whole = mx.sym.Group([joined, *(symbol.get_internals()[name] for name in names)])
    executor = whole.simple_bind(mx.cpu(), data=(2, 3, 32, 32))
    rng = np.random.RandomState(0)
    for array in executor.arg_arrays:
        array[:] = rng.normal(size=array.shape)
    both, *each = (output.asnumpy() for output in executor.forward(is_train=False))
    parts = [layer.reshape(*layer.shape[:2], -1).mean(axis=2) for layer in each]
    np.testing.assert_allclose(both, np.concatenate(parts, axis=1), rtol=1e-5, atol=1e-5)


def test_a_layer_that_is_not_there_is_named():
    symbol = mx.sym.Flatten(mx.sym.var("data"), name="flat")
    with pytest.raises(ValueError, match=r"the trunk has no layer 'flat_out'.*\['flat_output'\]"):
        mxmtl.nets.joined_layers(symbol, ["flat_out"])
