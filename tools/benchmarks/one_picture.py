"""One picture by every way in: the largest difference of the pixels that the network gets to see.

    python tools/benchmarks/one_picture.py                       # a minute
    python tools/benchmarks/one_picture.py --sizes 32 --bits 12

Twenty pictures (a photo, a drawing, grey, a palette, transparency, 16 bits, CMYK, turned by EXIF)
go to `Predictor`, to the converter and `RecordIter` (as the file is, and coded anew as PNG), to the
service, and to the onnx_predictor.py that ``export --reader`` writes. Each cell is the largest
difference, of 255 levels, of any way from the Predictor.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import io
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def photo() -> np.ndarray:
    """Make something smooth with grain on it, blue first."""
    rng = np.random.RandomState(1)
    smooth = cv2.resize(rng.randint(0, 256, (9, 12, 3), np.uint8), (900, 700))
    return cv2.add(smooth, rng.randint(0, 40, smooth.shape).astype(np.uint8))


def drawing() -> np.ndarray:
    """Draw sharp lines and letters."""
    image = np.full((600, 500, 3), 255, np.uint8)
    for number in range(0, 500, 7):
        cv2.line(image, (number, 0), (500 - number, 600), (number % 256, 40, 90), 1)
    cv2.putText(image, "one picture", (20, 300), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 3)
    return image


def with_pillow(image: np.ndarray, form: str, mode: str = "RGB", **more: Any) -> bytes:
    """Code pixels, blue first, as OpenCV cannot."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[:, :, ::-1])).convert(mode).save(file, form, **more)
    return file.getvalue()


def turned(image: np.ndarray, orientation: int) -> bytes:
    """Code pixels with an orientation of EXIF."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    return with_pillow(image, ("PNG", "JPEG", "TIFF")[orientation % 3], exif=exif)


def pictures() -> Iterator[tuple[str, bytes]]:
    """Make the twenty files."""
    image, lines = photo(), drawing()
    wide, alpha = image.astype(np.uint16) * 257, np.dstack([image, image[:, :, 0]])

    def coded(ending: str, pixels: np.ndarray, *more: int) -> bytes:
        return cv2.imencode(ending, pixels, list(more))[1].tobytes()

    yield "photo, JPEG", coded(".jpg", image, cv2.IMWRITE_JPEG_QUALITY, 95)
    yield "photo, progressive JPEG", coded(".jpg", image, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    yield "photo, PNG", coded(".png", image)
    yield "photo, lossless WebP", coded(".webp", image, cv2.IMWRITE_WEBP_QUALITY, 101)
    yield "photo, BMP", coded(".bmp", image)
    yield "drawing, PNG", coded(".png", lines)
    yield "drawing, JPEG", coded(".jpg", lines)
    yield "grey, JPEG", coded(".jpg", image[:, :, 0])
    yield "grey with a transparent grey", with_pillow(image, "PNG", "L", transparency=90)
    yield "palette", with_pillow(lines, "PNG", "P")
    yield "alpha, PNG", coded(".png", alpha)
    yield "16 bits, PNG", coded(".png", wide)
    yield "CMYK, JPEG", with_pillow(image, "JPEG", "CMYK")
    yield "16 bits, grey", coded(".png", wide[:, :, 0] >> 4)
    yield "EXIF 1, WebP", with_pillow(image, "WEBP", lossless=True)
    for orientation in (2, 3, 4, 5, 6, 7, 8):
        yield f"EXIF {orientation}", turned(image, orientation)


class Seen:
    """In place of what computes: keeps the pixels that it is given."""

    def __init__(self, backend: Any) -> None:
        self.file, self.name, self.last = backend.file, backend.name, np.empty(0)
        self._backend = backend

    def predict(self, crops: np.ndarray) -> Any:
        """Keep them, and compute."""
        self.last = crops[0]
        return self._backend.predict(crops)


def model_of(size: int, bits: int) -> Any:
    """Return a small network with drawn parameters."""
    import mxmtl
    from mxmtl.model import Model, ModelFile, Preprocessing

    import mxnet as mx

    tasks = mxmtl.TaskSet([mxmtl.Regression("age")])
    net = mxmtl.MultiTaskNet(mxmtl.small_trunk((4, 4)), tasks)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 3, size, size)))
    file = ModelFile(tasks, Preprocessing((3, size, size), bits=bits))
    return Model(mxmtl.training_symbol(net, tasks), mxmtl.module_params(net), file, "small")


def by_records(named: dict[str, bytes], size: int, bits: int, **options: Any) -> list[np.ndarray]:
    """Convert, and read the records."""
    import mxmtl

    tasks = mxmtl.TaskSet([mxmtl.Regression("age")])
    with tempfile.TemporaryDirectory() as folder:
        rows = ["path,age"]
        for number, data in enumerate(named.values()):
            (Path(folder) / f"{number}.bin").write_bytes(data)
            rows.append(f"{number}.bin,{number}")
        table = Path(folder) / "t.csv"
        table.write_text("\n".join(rows), encoding="utf-8")
        prefix = table.with_suffix("")
        mxmtl.write_records(table, folder, prefix=prefix, tasks=tasks, bits=bits, **options)
        with mxmtl.RecordIter(prefix, len(named), (3, size, size), dtype="uint8",
                              augment=[mxmtl.augment.CenterCrop()]) as batches:  # fmt: skip
            return list(batches.next().data[0].asnumpy().transpose(0, 2, 3, 1))


def by_service(predictor: Any, files: dict[str, bytes]) -> list[np.ndarray | None]:
    """Send them to a service, and return what its network got to see."""
    from mxmtl.serving import Service

    service, found = Service(predictor, port=0), []
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        for name, data in files.items():
            connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=30)
            connection.request("POST", "/predict", data)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 415), name  # it takes JPEG, PNG and WebP alone
            found.append(predictor.backend.last if answer.status == 200 else None)
            connection.close()
    finally:
        service.stop()
        thread.join()
    return found


def by_reader(model: Any, files: dict[str, bytes]) -> list[np.ndarray]:
    """Let the file that is shipped with exported models prepare them."""
    from mxmtl.model import onnx_bytes, reader_source

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "onnx_predictor.py"
        path.write_text(reader_source(), encoding="utf-8")
        (path.parent / "m.onnx").write_bytes(onnx_bytes(model))
        spec = importlib.util.spec_from_file_location("shipped_reader", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        reader = module.OnnxPredictor(path.parent / "m.onnx")
        return [reader.prepare(data) for data in files.values()]


def differences(size: int, bits: int) -> dict[str, dict[str, int]]:
    """Return, by picture and way, the largest difference from the Predictor."""
    import mxmtl

    files = dict(pictures())
    model = model_of(size, bits)
    predictor = mxmtl.Predictor(model, device="cpu")
    predictor.backend = Seen(predictor.backend)
    ways = {
        "records": by_records(files, size, bits, passthrough="always"),
        "records, coded anew": by_records(files, size, bits, encoding="png", passthrough="never"),
        "service": by_service(predictor, files),
        "shipped reader": by_reader(model, files),
    }
    found: dict[str, dict[str, int]] = {}
    for row, (name, data) in enumerate(files.items()):
        right = predictor.read(data).astype(int)
        found[name] = {
            way: int(np.abs(made[row] - right).max())
            for way, made in ways.items()
            if made[row] is not None
        }
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 128, 224])
    parser.add_argument("--bits", type=int, default=16)
    chosen = parser.parse_args()
    from tabulate import tabulate

    by_size = {size: differences(size, chosen.bits) for size in chosen.sizes}
    names = list(next(iter(by_size.values())))
    rows = [[name, *(max(by_size[s][name].values()) for s in chosen.sizes)] for name in names]
    print(tabulate(rows, ["picture", *(f"{size} px" for size in chosen.sizes)], "github"), "\n")
    ways = by_size[chosen.sizes[0]][names[0]]
    rows = [
        [way, *(max(one.get(way, 0) for one in by_size[s].values()) for s in chosen.sizes)]
        for way in ways
    ]
    print(tabulate(rows, ["way", *(f"{size} px" for size in chosen.sizes)], "github"))


if __name__ == "__main__":
    main()
