"""What fuzz.py tries: for each kind, a function of the number of a try."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import shutil
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mxmtl
from mxmtl.augment import CenterCrop, Pipeline
from mxmtl.data import ImageOptions
from mxmtl.data.images import ROOM, check_whole, convert_image, decode_view, decode_whole, read_info
from mxmtl.data.records import RecordFile as RecordFile
from mxmtl.data.records import RecordReader, walk_records

import _fuzz_inputs as inputs
import cv2
import numpy as np

Try = Callable[[int], str]
TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", ["beagle", "boxer", "pug"]),
        mxmtl.Binary("outdoors"),
        mxmtl.Multilabel("toys", ["ball", "rope"]),
        mxmtl.Regression("age"),
    ]
)
SHAPE = (3, 24, 24)


def images(seed: int, folder: Path) -> Try:
    """Image files, by every way in."""
    pipeline = Pipeline([CenterCrop(0.875)], (24, 32))
    options = [
        ImageOptions(), ImageOptions(passthrough="never"), ImageOptions(check="decode"),
        ImageOptions(resize=20, color="gray"), ImageOptions(color="unchanged", encoding="png"),
    ]  # fmt: skip

    def attempt(number: int) -> str:
        data = inputs.image(random.Random(f"{seed} {number}"))
        taken = 0
        for way in (
            lambda: convert_image(data, options[number % len(options)]),
            lambda: decode_view(memoryview(data), pipeline, (), 1 + number % 2 * 2),
            lambda: decode_whole(memoryview(bytearray(data)), 3),
            lambda: (check_whole(memoryview(data)), read_info(data, whole=False)),
        ):
            with contextlib.suppress(ValueError):
                way()
                taken += 1
        assert ROOM._free == ROOM.most
        return "taken" if taken else "refused"

    return attempt


def table(folder: Path, count: int = 24) -> tuple[Path, np.ndarray]:
    """Write records of known labels; return their prefix and labels."""
    random_labels = np.random.RandomState(3)
    rows, labels = ["path,breed,outdoors,toys.ball,toys.rope,age"], []
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((9, 9, 3), number, np.uint8))
        cells = [random_labels.randint(high) for high in (3, 2, 2, 2)]
        rows.append(
            f"{number}.png,{TASKS[0].classes[cells[0]]},{cells[1]},{cells[2]},{cells[3]},{number}"
        )
        labels.append([*cells, number])
    (folder / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    mxmtl.write_records(folder / "t.csv", folder, prefix=folder / "t", tasks=TASKS, force=True)
    return folder / "t", np.array(labels, np.float32)


def records(seed: int, folder: Path) -> Try:
    """Record files, indices and what stands beside them; no label may be another than before."""
    prefix, labels = table(folder)
    whole = {ending: Path(f"{prefix}{ending}").read_bytes() for ending in (
        ".rec", ".idx", ".tasks.json", ".manifest.json")}  # fmt: skip

    def attempt(number: int) -> str:
        rng, changed = random.Random(f"{seed} {number}"), dict(whole)
        what = rng.choice((".rec", ".rec", ".rec", ".idx", ".idx", ".tasks.json", ".manifest.json"))
        if what.endswith("json"):
            changed[what] = inputs.json_bytes(json.loads(whole[what]), rng)
        else:
            changed[what] = inputs.mutated(whole[what], rng, len(whole[what]))
        if rng.random() < 0.2:
            del changed[".idx"]
        for ending in whole:
            Path(f"{prefix}{ending}").unlink(missing_ok=True)
        for ending, data in changed.items():
            Path(f"{prefix}{ending}").write_bytes(data)
        return read_all(str(prefix), labels)

    read_all(str(prefix), labels)  # what is imported on the way is no try
    return attempt


def read_all(prefix: str, labels: np.ndarray) -> str:
    """Read records by their index and without; tell whether a label is another one."""
    for found in walk_records(RecordFile(f"{prefix}.rec")):
        assert found is not None
    reader = RecordReader([f"{prefix}.rec"])
    taken = 0
    with contextlib.closing(reader):
        for row in range(len(reader)):
            with contextlib.suppress(ValueError):
                record = reader.read(row)
                taken += 1
                right = record.id < len(labels) and np.array_equal(record.label, labels[record.id])
                if record.checked and not right:
                    return "wrong"
    with mxmtl.RecordIter(prefix, 4, (3, 8, 8), on_error="skip", threads=1) as batches:
        for _ in batches:
            pass
    return "taken" if taken else "refused"


def small_model() -> Any:
    """Make a model with drawn parameters."""
    from mxmtl.model import Model, ModelFile, Preprocessing

    import mxnet as mx

    net = mxmtl.MultiTaskNet(mxmtl.small_trunk((4, 6)), TASKS)
    symbol = mxmtl.training_symbol(net, TASKS)
    predicting = mxmtl.prediction_symbol(symbol, TASKS)
    args, _, auxs = predicting.infer_shape(data=(1, *SHAPE))
    drawn = np.random.RandomState(0)
    pairs = (zip(predicting.list_arguments(), args), zip(predicting.list_auxiliary_states(), auxs))
    params = [
        {
            name: mx.nd.array(drawn.uniform(0.1, 0.5, shape))
            for name, shape in pair
            if name != "data"
        }
        for pair in pairs
    ]
    return Model(symbol, tuple(params), ModelFile(TASKS, Preprocessing(SHAPE)), "drawn")  # type: ignore[arg-type]


def models(seed: int, folder: Path) -> Try:
    """MXNet's files and those of a run folder, the checksums in it made right again."""
    from mxmtl.export import ExportOptions, export_model
    from mxmtl.model import Predictor, load_model

    home = folder / "model"
    home.mkdir(exist_ok=True)
    if not (home / "m.json").exists():
        export_model(small_model(), home / "m", ExportOptions(format="mxnet"))
    names = ("m-symbol.json", "m-0000.params", "m.json")
    whole = {name: (home / name).read_bytes() for name in names}
    picture = np.full((30, 30, 3), 90, np.uint8)
    Predictor(load_model(home / "m"), device="cpu")(picture)  # what is loaded for it is no try

    def attempt(number: int) -> str:
        rng, place = random.Random(f"{seed} {number}"), folder / "changed"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        what = rng.choice(names)
        data = whole[what]
        if what.endswith("json"):
            data = inputs.json_bytes(json.loads(data), rng)
        else:
            data = inputs.mutated(data, rng, 200)
        run = rng.random() < 0.4
        for name, content in {**whole, what: data}.items():
            (place / as_in_run(name, run)).write_bytes(content)
        if run:
            write_run(place, rng)
        Predictor(load_model(place if run else place / "m"), device="cpu")(picture).to_dict()
        return "taken"

    return attempt


def as_in_run(name: str, run: bool) -> str:
    """Return what a run folder calls one of MXNet's files."""
    return f"model{name[1:]}".replace("-0000.", "-0001.") if run else name


def write_run(place: Path, rng: random.Random) -> None:
    """Complete a run folder, with a checkpoint that is sound or nearly so."""
    files = {"symbol": "model-symbol.json", "params": "model-0001.params"}
    entries = {
        kind: {"name": name, "sha256": hashlib.sha256((place / name).read_bytes()).hexdigest()}
        for kind, name in files.items()
    }
    state = {"format": "mxmtl.checkpoint", "version": 1, "epoch": 1, "batch": 0,
             "history": [{"epoch": 1, "best": True}], "files": entries}  # fmt: skip
    changed = inputs.json_bytes(state, rng) if rng.random() < 0.3 else json.dumps(state).encode()
    (place / "model-0001.json").write_bytes(changed)
    (place / "settings.json").write_text("{}", encoding="utf-8")


def onnx(seed: int, folder: Path) -> Try:
    """ONNX files: their bytes, their graph and what mxmtl writes into them."""
    from mxmtl.model import onnx_bytes
    from mxmtl.model.onnx_predictor import OnnxPredictor

    import onnx as library

    whole, path = onnx_bytes(small_model()), folder / "m.onnx"
    picture = np.full((30, 30, 3), 90, np.uint8)

    def attempt(number: int) -> str:
        rng = random.Random(f"{seed} {number}")
        data = whole
        if rng.random() < 0.5:
            data = inputs.mutated(whole, rng, len(whole))
        else:
            model = library.load_from_string(whole)
            for fact in model.metadata_props:
                if rng.random() < 0.3:
                    with contextlib.suppress(ValueError):
                        fact.value = inputs.json_bytes(json.loads(fact.value), rng).decode(
                            "latin-1"
                        )
            if rng.random() < 0.3:
                node = rng.choice(model.graph.node)
                node.op_type = rng.choice((node.op_type, "Loop", "Identity", "Nothing"))
            data = model.SerializeToString()
        path.write_bytes(data)
        OnnxPredictor(path, threads=1)(picture)
        return "taken"

    return attempt


class Echo:
    """In place of a predictor: the colour of an image."""

    name, batch_size = "echo", 4

    def __init__(self) -> None:
        self.tasks = [SimpleNamespace(name="color", kind="value", names=(), answer=self._answer)]
        self.backend, self.file = self, SimpleNamespace(thresholds={})
        self._pipeline = Pipeline([CenterCrop()], (4, 4))

    def _answer(self, part: np.ndarray, levels: Any) -> Any:
        return SimpleNamespace(to_dict=lambda: {"answer": part.tolist()})

    def read(self, data: bytes) -> np.ndarray:
        """Decode."""
        return decode_view(memoryview(data), self._pipeline, (), 3)

    def predict(self, crops: np.ndarray) -> list[np.ndarray]:
        """Return the colour of the first pixel."""
        return [crops[:, 0, 0]]


def http(seed: int, folder: Path) -> Try:
    """Send requests to a service, which goes on answering."""
    from mxmtl.serving import Limits, Service

    limits = Limits(max_bytes=1 << 20, max_pixels=1 << 20, timeout=0.5)
    service = Service(Echo(), port=0, limits=limits)  # type: ignore[arg-type]
    threading.Thread(target=service.run, daemon=True).start()
    port = int(service.url.rsplit(":", 1)[1])
    good = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    def attempt(number: int) -> str:
        rng = random.Random(f"{seed} {number}")
        answer = ask(port, request(rng))
        healthy = ask(port, good)
        if b" 200 " not in healthy[:20]:
            return "wrong"
        return "taken" if b" 200 " in answer[:20] else "refused"

    return attempt


def request(rng: random.Random) -> bytes:
    """Return a request with something wrong, or nothing."""
    body = inputs.image(rng)
    if rng.random() < 0.3:
        head = b'Content-Disposition: form-data; name="i"; filename="a.png"\r\n\r\n'
        body = b"--x\r\n" + head + body + b"\r\n--x--\r\n"
    kind = b"multipart/form-data; boundary=x" if body[:3] == b"--x" else b"image/png"
    length = str(len(body) if rng.random() < 0.8 else rng.choice(inputs.EXTREME)).encode()
    method = rng.choice((b"POST", b"POST", b"POST", b"GET", b"PUT", b"\xff"))
    path = rng.choice((b"/predict", b"/predict", b"/predict", b"/health", b"/../x", b"/" * 20_000))
    head = b"Host: x\r\nContent-Type: " + kind + b"\r\nContent-Length: " + length
    if rng.random() < 0.2:
        head = b"Host: x\r\nTransfer-Encoding: chunked"
        body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    found = method + b" " + path + b" HTTP/1.1\r\n" + head + b"\r\nConnection: close\r\n\r\n" + body
    return inputs.mutated(found, rng, 200) if rng.random() < 0.6 else found


def ask(port: int, data: bytes) -> bytes:
    """Send bytes, and return what comes back; nothing where the connection is closed."""
    answer = b""
    connection = socket.create_connection(("127.0.0.1", port), timeout=6)
    with connection, contextlib.suppress(ConnectionError, TimeoutError):
        connection.sendall(data)
        while more := connection.recv(65536):
            answer += more
    return answer
