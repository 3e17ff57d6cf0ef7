"""The reader of exported files: alone, and the same to the pixel as what MXNet was given."""

from __future__ import annotations

import ast
import json
import shutil
import struct
import subprocess
import sys

import mxmtl
from mxmtl.augment import View, middle
from mxmtl.data.images import decode_shown, read_info
from mxmtl.export import ExportOptions, export_model
from mxmtl.model import (
    ImageReader,
    Network,
    load_model,
    names_of,
    onnx_predictor,
    reader_source,
)
from mxmtl.model.onnx_predictor import OnnxPredictor
from mxmtl.onnx import check_onnx
from mxmtl.training import Preprocessing
from tests.model._models import TASKS, model_of

import cv2
import numpy as np
import pytest

SIZE = (40, 32)
THRESHOLDS = {"toys": [0.3, 0.5, 0.7]}


@pytest.fixture(scope="module")
def model():
    return model_of(mxmtl.small_trunk((4, 6)), thresholds=THRESHOLDS)


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    export_model(model, folder / "m.onnx", ExportOptions(reader=True))
    return folder / "m.onnx"


@pytest.fixture(scope="module")
def predictor(path):
    return OnnxPredictor(path)


def picture(height, width, seed=0):
    rng = np.random.RandomState(seed)
    small = rng.randint(0, 256, (9, 9, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def jpeg(image, orientation=None):
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    if orientation is None:
        return data
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0" + b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def files():
    """Image files of many sizes, of every orientation, coded in several ways."""
    rng = np.random.RandomState(2)
    for number in range(24):
        height, width = (int(edge) for edge in np.exp(rng.uniform(2, 6.6, 2)))
        image = picture(height, width, number)
        yield f"{height}x{width} jpg", jpeg(image)
        yield f"{height}x{width} png", cv2.imencode(".png", image)[1].tobytes()
    for orientation in range(1, 9):
        yield f"turned {orientation}", jpeg(picture(170, 301), orientation)
    yield (
        "progressive",
        cv2.imencode(".jpg", picture(200, 130), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes(),
    )
    yield "gray jpg", jpeg(picture(90, 100)[:, :, 0])
    yield "gray png", cv2.imencode(".png", picture(90, 100)[:, :, 0])[1].tobytes()
    yield "webp", cv2.imencode(".webp", picture(90, 100))[1].tobytes()
    yield "as large", cv2.imencode(".png", picture(*SIZE))[1].tobytes()
    yield "one pixel", cv2.imencode(".png", picture(1, 1))[1].tobytes()
    yield "a line", cv2.imencode(".png", picture(1, 500))[1].tobytes()


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("crop", [1.0, 0.875])
def test_pixels_are_those_of_the_records(tmp_path, channels, crop):
    # Records keep the files as they are, RecordIter reads them for MXNet.
    named = list(files())
    rows = [f"{number}.bin,{number}" for number in range(len(named))]
    (tmp_path / "t.csv").write_text("\n".join(["path,age", *rows]), encoding="utf-8")
    for number, (_, data) in enumerate(named):
        (tmp_path / f"{number}.bin").write_bytes(data)
    tasks = mxmtl.TaskSet([mxmtl.Regression("age")])
    preprocessing = Preprocessing((channels, *SIZE), (120.0,), (60.0,), crop)
    mxmtl.write_records(
        tmp_path / "t.csv", tmp_path, prefix=tmp_path / "t", tasks=tasks,
        passthrough="always",
    )  # fmt: skip
    options = {**preprocessing.options(), "mean": None, "std": None, "dtype": "uint8"}
    with mxmtl.RecordIter(tmp_path / "t", len(named), **options) as batches:
        expected = next(iter(batches)).data[0].asnumpy().transpose(0, 2, 3, 1)

    def view_of(height, width):
        return middle(View(height, width), SIZE, crop)

    for (name, data), right in zip(named, expected):
        made = decode_shown(data, read_info(data), view_of, channels).reshape(right.shape)
        np.testing.assert_array_equal(made, right, err_msg=name)


def test_pixels_are_those_of_the_predictor(model, predictor):
    read = ImageReader(model.file.preprocessing)
    image = picture(90, 100)
    alpha = np.random.RandomState(0).randint(0, 256, (90, 100, 1)).astype(np.uint8)
    layers = np.concatenate([image, alpha], axis=2)
    wide = image.astype(np.uint16) * 200
    more = [cv2.imencode(".png", part)[1].tobytes() for part in (layers, wide, layers[:, :, 0])]
    more.append(cv2.imencode(".webp", layers, [cv2.IMWRITE_WEBP_QUALITY, 90])[1].tobytes())
    for name, data in [*files(), *enumerate(more), ("array", image), ("grey", image[:, :, 0])]:
        np.testing.assert_array_equal(predictor.prepare(data), read(data), err_msg=str(name))


def test_answers_are_those_of_the_tasks(model, predictor):
    images = [jpeg(picture(100 + 7 * number, 90, number)) for number in range(35)]
    planes = np.stack([predictor.prepare(image) for image in images])
    preprocessing = model.file.preprocessing
    mean, std = (np.float32(part) for part in (preprocessing.mean, preprocessing.std))
    logits = Network.of_model(model).logits(((planes - mean) / std).transpose(0, 3, 1, 2))
    expected = TASKS.predict(logits)
    for row, answers in enumerate(predictor(images)):
        assert list(answers) == TASKS.names
        for task, prediction in zip(TASKS, expected):
            right = task.answer(prediction[row], THRESHOLDS.get(task.name)).to_dict()
            found = answers[task.name]
            assert set(found) == set(right)
            assert found.get("thresholds") == right.get("thresholds")
            near = pytest.approx(right.get("probabilities", {}), abs=1e-5)
            assert found.get("probabilities", {}) == near
            if task.name == "age":
                assert found["answer"] == pytest.approx(right["answer"], rel=1e-4)
            else:
                assert found["answer"] == right["answer"]


def test_paths_bytes_and_arrays(predictor, tmp_path):
    image = picture(80, 70)
    data = cv2.imencode(".png", image)[1].tobytes()
    (tmp_path / "a.png").write_bytes(data)
    one, two, three, four = predictor(
        [data, tmp_path / "a.png", str(tmp_path / "a.png"), cv2.cvtColor(image, cv2.COLOR_BGR2RGB)]
    )
    assert one == two == three == four
    assert predictor([]) == []


def test_transparent_pixels_are_white_and_16_bits_are_8(predictor):
    image = picture(60, 60)
    alpha = np.zeros((60, 60, 1), np.uint8)
    alpha[20:] = 255
    on_white = np.where(alpha > 0, image, 255).astype(np.uint8)
    wide = image.astype(np.uint16) * 257
    encoded = [np.concatenate([image, alpha], axis=2), on_white, wide, image]
    crops = [predictor.prepare(cv2.imencode(".png", part)[1].tobytes()) for part in encoded]
    np.testing.assert_array_equal(crops[0], crops[1])
    np.testing.assert_array_equal(crops[2], crops[3])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "the file is empty"),
        (b"no image", "it begins with the text 'no image'"),
        (np.zeros((4, 4, 4), np.uint8), r"expected uint8 \(height, width, 3\)"),
        (np.zeros((4, 4, 3)), r"float64: expected uint8"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03" + bytes(40), "cut short"),
    ],
)
def test_what_is_no_image_is_refused(predictor, image, message):
    with pytest.raises(ValueError, match=message):
        predictor.prepare(image)


def test_what_is_no_onnx_file_is_named(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"no protobuf")
    with pytest.raises(ValueError, match=r"x\.onnx: no ONNX file that is taken"):
        OnnxPredictor(tmp_path / "x.onnx")
    with pytest.raises(FileNotFoundError, match=r"y\.onnx: no such file"):
        OnnxPredictor(tmp_path / "y.onnx")


def test_another_onnx_file_is_refused(tmp_path):
    import onnx

    info = onnx.helper.make_tensor_value_info("x", 1, ["N"])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", 1, ["N"])
    opset = [onnx.helper.make_opsetid("", 13)]
    graph = onnx.helper.make_graph([node], "g", [info], [out])
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=7), tmp_path / "x.onnx")
    with pytest.raises(ValueError, match="no ONNX file of mxmtl"):
        OnnxPredictor(tmp_path / "x.onnx")


def test_outside_preprocessing_gives_the_same(model, predictor, tmp_path):
    export_model(model, tmp_path / "m.onnx", ExportOptions(preprocessing="outside"))
    image = jpeg(picture(80, 70))
    inside, outside = predictor([image])[0], OnnxPredictor(tmp_path / "m.onnx")([image])[0]
    assert inside["breed"]["probabilities"] == pytest.approx(outside["breed"]["probabilities"])


def test_the_copied_file_needs_neither_mxmtl_nor_mxnet(path, predictor, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(picture(80, 70)))
    for name in ("m.onnx", "onnx_predictor.py"):
        shutil.copy(path.parent / name, tmp_path)
    code = (
        "import runpy, sys; sys.modules.update({'mxnet': None, 'mxmtl': None, 'onnx': None}); "
        "sys.argv = ['onnx_predictor.py', 'm.onnx', 'a.jpg']; "
        "runpy.run_path('onnx_predictor.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("image") == "a.jpg"
    assert found == json.loads(json.dumps(predictor([tmp_path / "a.jpg"])[0]))


def test_it_says_how_it_is_used(capsys):
    assert onnx_predictor.main([]) == 2
    assert "usage: python onnx_predictor.py MODEL.onnx IMAGE" in capsys.readouterr().err


def test_a_run_of_records_gives_the_same_answers_as_its_network(world, tmp_path):
    model = load_model(world / "runs" / "first")
    made = export_model(model, tmp_path / "m.onnx", ExportOptions(records=world / "data" / "val"))
    assert made.images == 46


def test_parts_of_the_reader_give_no_name_twice():
    # In one file the later one would hold for both.
    given = {}
    for node in ast.parse(reader_source()).body:
        for name in names_of(node) - {""}:
            text = ast.unparse(node)
            assert given.setdefault(name, text) == text, name


def changed(path, change):
    import onnx

    model = onnx.load(path)
    change(model, onnx)
    return model.SerializeToString()


def a_loop(model, onnx):
    body = onnx.helper.make_graph([], "b", [], [])
    model.graph.node.append(onnx.helper.make_node("Loop", ["", ""], [], body=body))


def a_graph_within(model, onnx):
    model.graph.node[0].attribute.append(
        onnx.helper.make_attribute("then", onnx.helper.make_graph([], "b", [], []))
    )


def another_file(model, onnx):
    weights = model.graph.initializer[0]
    weights.external_data.add(key="location", value="../../etc/passwd")
    weights.data_location = onnx.TensorProto.EXTERNAL


def huge_weights(model, onnx):
    model.graph.initializer[0].dims[0] = 1 << 40


def edges_without_end(model, onnx):
    model.graph.initializer[0].dims.extend([(1 << 63) - 1] * 1_000_000)


def a_kernel_without_end(model, onnx):
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    next(each for each in conv.attribute if each.name == "kernel_shape").ints[:] = [60000] * 1000000


def large_pads(model, onnx):
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    pads = next(each for each in conv.attribute if each.name == "pads")
    pads.ints[:] = [60000] * 4


def a_computed_pad(model, onnx):
    model.graph.node.append(onnx.helper.make_node("Pad", ["x", "y"], ["z"]))


def a_function(model, onnx):
    model.functions.add(name="f", domain="own")


def another_domain(model, onnx):
    model.graph.node[0].domain = "own"


def no_operator(model, onnx):
    model.graph.node.add()


@pytest.mark.parametrize(
    ("change", "said"),
    [(a_loop, "operator 'Loop'"), (a_graph_within, "a graph within it"),
     (another_file, "not in the file itself"), (huge_weights, "do not fill the file"),
     (edges_without_end, "do not fill the file"), (a_kernel_without_end, "images too large"),
     (large_pads, "Conv makes images too large"), (a_computed_pad, "Pad makes images too large"),
     (a_function, "functions"), (another_domain, "an operator of 'own'"),
     (no_operator, "without an operator")],
)  # fmt: skip
def test_graphs_are_looked_at_before_they_are_loaded(path, tmp_path, change, said):
    (tmp_path / "x.onnx").write_bytes(changed(path, change))
    with pytest.raises(ValueError, match=rf"x\.onnx: no ONNX file that is taken \(.*{said}"):
        OnnxPredictor(tmp_path / "x.onnx")


def test_protocol_buffers_are_read_as_they_are_defined(path):
    import onnx

    data = path.read_bytes()
    check_onnx(data)
    tensor = onnx.helper.make_tensor("a", 7, [3], [1, -5, 1 << 40])
    with pytest.raises(ValueError, match="do not fill"):
        check_onnx(changed(path, lambda model, _: tensor.dims.extend([9, 9]) or
                           model.graph.initializer.append(tensor)))  # fmt: skip
    for cut in (1, 40, len(data) // 2, len(data) - 1):
        with pytest.raises(ValueError):
            check_onnx(data[:cut])
    with pytest.raises(ValueError, match="2 graphs"):  # which a reader puts together
        check_onnx(data + data)
    with pytest.raises(ValueError, match="more than"):
        check_onnx(b"\x08\x01" * ((1 << 22) + 1))
