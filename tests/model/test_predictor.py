"""The predictor: answers as by hand, alone, in batches, in threads and on both backends."""

from __future__ import annotations

import gc
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mxmtl
from mxmtl.data import ImageError
from mxmtl.evaluation import TuneOptions, predict_records, tune
from mxmtl.model import Model, Predictor, load_model
from mxmtl.training import ModelFile, Preprocessing, Run
from tests.training import _small

import mxnet as mx
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def tuned(world, tmp_path_factory):
    """A copy of the run, with thresholds and temperatures."""
    folder = tmp_path_factory.mktemp("tuned") / "run"
    shutil.copytree(world / "runs" / "first", folder)
    tune(folder, str(world / "data" / "val"), options=TuneOptions(min_labels=5))
    return Run(folder)


@pytest.fixture(scope="module")
def images(world):
    """What the records were made of, in their order."""
    return [str(world / "data" / f"{index}.png") for index in range(_small.ROWS)]


@pytest.fixture(scope="module")
def expected(tuned, world):
    """By task: what the records' predictions are."""
    model = tuned.model
    made = predict_records(
        mxmtl.model.Network.of(tuned), str(world / "data" / "val"), model.preprocessing,
        temperature=model.temperature,
    )  # fmt: skip
    return {task.name: made.prediction(task) for task in made.tasks}


ALL = slice(None)


def check(predictions, expected, model, rows=ALL, atol=1e-6):
    """Compare answers with arrays of predictions."""
    for task in model.tasks:
        arrays = expected[task.name][rows]
        assert len(arrays) == len(predictions)
        for prediction, array in zip(predictions, arrays):
            wanted = task.answer(array, model.thresholds.get(task.name))
            found = prediction[task.name]
            assert found.thresholds == wanted.thresholds
            assert found.probabilities == pytest.approx(wanted.probabilities, abs=atol)
            if isinstance(wanted.answer, float):
                assert found.answer == pytest.approx(wanted.answer, abs=atol)
            else:
                assert found.answer == wanted.answer


@pytest.mark.parametrize("backend", ["mxnet", "onnxruntime"])
def test_answers_are_those_of_the_records(tuned, images, expected, backend):
    predictor = mxmtl.Predictor(tuned.folder, backend=backend, batch_size=7)
    model = tuned.model
    assert model.thresholds
    assert model.temperature
    alone = predictor(images[3])
    assert alone.source == images[3]
    check([alone], expected, model, slice(3, 4))
    check(predictor(images), expected, model)
    check(predictor([Path(path).read_bytes() for path in images]), expected, model)
    stream = predictor(iter(images))
    assert iter(stream) is stream
    check(list(stream), expected, model)
    assert predictor([]) == []


def test_arrays_and_batches_of_them(tuned, images, expected):
    import cv2

    predictor = Predictor(tuned)
    pictures = np.stack([cv2.imread(path)[:, :, ::-1] for path in images[:5]])
    check(predictor(pictures), expected, tuned.model, slice(5))
    check([predictor(pictures[2])], expected, tuned.model, slice(2, 3))
    assert predictor(pictures[2]).source is None


@pytest.mark.parametrize(
    "column", [np.array, pd.Series, lambda paths: pd.Series(paths).to_numpy(), pd.Index]
)
def test_a_column_of_paths_is_a_list_of_them(tuned, images, expected, column):
    predictor = Predictor(tuned)
    found = predictor(column(images[:3]))
    assert isinstance(found, list)
    check(found, expected, tuned.model, slice(3))
    with pytest.raises(TypeError, match=r"a DataFrame is no list of images: .*table\['path'\]"):
        predictor(pd.DataFrame({"path": images}))
    with pytest.raises(KeyError, match=r"'bred' is not one of \[breed, .*did you mean 'breed'"):
        found[0]["bred"]


def test_models_from_everywhere(tuned, images, expected, tmp_path):
    model = tuned.model
    best = f"model-{tuned.best.epoch:04d}"
    check(Predictor(str(tuned.folder / best))(images[:2]), expected, model, slice(2))
    check(Predictor(f"{tuned.folder / best}.params")(images[:2]), expected, model, slice(2))
    model.tasks.save(tmp_path / "m.tasks.json")
    shutil.copy(tuned.folder / "model-symbol.json", tmp_path / "m-symbol.json")
    shutil.copy(tuned.folder / f"{best}.params", tmp_path / "m-0007.params")
    with pytest.raises(ValueError, match="nothing says what images the network takes"):
        Predictor(tmp_path / "m")
    plain = load_model(tmp_path / "m", preprocessing=model.preprocessing)
    assert plain.name.endswith("m-0007")
    assert plain.file.thresholds == {}
    found = Predictor(plain)(images[0])
    logits = np.log(expected["outdoors"][0, 0] / (1 - expected["outdoors"][0, 0]))
    warm = 1 / (1 + np.exp(-logits * model.temperature.get("outdoors", 1.0)))
    assert found["outdoors"].probabilities["outdoors"] == pytest.approx(warm, abs=1e-5)


def test_an_onnx_file(tuned, images, expected, tmp_path):
    mxmtl.export.export_model(load_model(tuned), tmp_path / "m.onnx")
    predictor = Predictor(tmp_path / "m.onnx")
    assert predictor.tasks == tuned.tasks
    check(predictor(images), expected, tuned.model)


def test_it_prints_and_becomes_json(tuned, images):
    predictor = Predictor(tuned)
    assert repr(predictor).startswith(f"Predictor('{tuned.folder}/model-000")
    prediction = predictor(images[0])
    lines = str(prediction).splitlines()
    assert lines[0] == images[0]
    assert [line.split()[0] for line in lines[1:]] == tuned.tasks.names
    data = json.loads(json.dumps(prediction.to_dict()))
    assert set(data) == set(tuned.tasks.names)
    assert set(data["toys"]["thresholds"]) == set(tuned.tasks["toys"].labels)
    with pytest.raises(AttributeError):
        prediction.source = "x"


def test_broken_images(tuned, images, expected):
    predictor = Predictor(tuned, batch_size=3)
    mixed = [images[0], b"broken", "none.png", images[3], b"", b"", b"", images[7]]
    with pytest.raises(ImageError, match="does not decode"):
        predictor(b"broken")
    with pytest.raises(ImageError, match="does not decode"):
        predictor(mixed)
    found = predictor(mixed, on_error="return")
    assert [isinstance(each, ImageError) for each in found] == [
        False, True, True, False, True, True, True, False,
    ]  # fmt: skip
    assert str(found[2]) == "none.png: No such file or directory"
    check([found[i] for i in (0, 3, 7)], expected, tuned.model, [0, 3, 7])
    with pytest.raises(ValueError, match=r"on_error='ignore' is not one of"):
        predictor(mixed, on_error="ignore")
    with pytest.raises(TypeError, match="int is no image"):
        predictor([images[0], 3])


def test_a_stream_is_read_no_further_than_it_must_be(tuned, images):
    read = []

    def endless():
        while True:
            read.append(1)
            yield images[len(read) % len(images)]

    stream = Predictor(tuned, batch_size=4, threads=2)(endless())
    for _ in range(10):
        next(stream)
    stream.close()
    assert len(read) < 30


def resident():
    gc.collect()
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * 4096


def test_many_threads_get_what_one_gets_and_memory_stays(tuned, images, expected):
    predictor = Predictor(tuned, batch_size=5)

    def work(seed):
        rng = np.random.RandomState(seed)
        for _ in range(25):
            rows = rng.randint(_small.ROWS, size=rng.randint(1, 9))
            if len(rows) == 1:
                check([predictor(images[rows[0]])], expected, tuned.model, rows, atol=1e-5)
            else:
                check(predictor([images[r] for r in rows]), expected, tuned.model, rows, atol=1e-5)

    work(0)
    before = resident()
    for start in range(1, 17, 4):  # threads that come and go leave nothing behind
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(start, start + 4)))
    assert resident() - before < 30e6
    assert threading.active_count() < 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "torch"}, r"backend='torch' is not one of \[mxnet, onnxruntime\]"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"device": "tpu"}, r"device='tpu': expected 'cpu', 'gpu' or 'gpu\(1\)'"),
        ({"device": "gpu(7)"}, "MXNet sees 0 GPUs here"),
        ({"device": mx.gpu(0), "backend": "onnxruntime"}, "ONNX Runtime computes on the CPU"),
        ({"which": "worst"}, "which='worst' is not 'best' or 'last'"),
    ],
)
def test_options_that_cannot_be(tuned, options, message):
    with pytest.raises(ValueError, match=message):
        Predictor(tuned, **options)


def test_what_is_no_model_is_named(tuned, tmp_path):
    with pytest.raises(FileNotFoundError, match="none: no model. Expected a run folder"):
        Predictor(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="is no run folder"):
        Predictor(tmp_path)
    shutil.copytree(tuned.folder, tmp_path / "r")
    symbol = tmp_path / "r" / "model-symbol.json"
    symbol.write_text("{}")
    with pytest.raises(ValueError, match="model-symbol.json: no network that is taken"):
        Predictor(tmp_path / "r" / "model-0001")
    model = load_model(tuned)
    args = {name: array for name, array in model.params[0].items() if name != "fc_weight"}
    with pytest.raises(ValueError, match=r"the parameters lack \['fc_weight'\]"):
        Predictor(Model(model.symbol, (args, model.params[1]), model.file, "m"))
    wide = ModelFile(model.tasks, Preprocessing((3, 9, 9)))
    with pytest.raises(ValueError, match=r"the network takes no images \(1, 3, 9, 9\)"):
        Predictor(Model(model.symbol, model.params, wide, "m"))(np.zeros((9, 9, 3), np.uint8))
