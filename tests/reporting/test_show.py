"""Grids of images: what is missing, right and wrong is said by text, mark and colour."""

from __future__ import annotations

import logging
import sys

import mxmtl
from mxmtl.evaluation import predict_records
from mxmtl.model import Network
from mxmtl.reporting import _grid
from mxmtl.reporting._grid import COLORS, charmap, chosen, cut, folded, letters_of, wide
from mxmtl.training import Run

import cv2
import mxnet as mx
import numpy as np
import pytest

from . import _world

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", classes=["pug", "lab"]),
        mxmtl.Multilabel("toys", labels=["ball", "rope"]),
        mxmtl.Regression("age"),
    ]
)
LABELS = np.array([[1, 1, -1, 3.5], [-1, -1, -1, np.nan], [0, 0, 0, -1]], np.float32)


def texts(figure):
    return [text.get_text() for text in figure.texts]


def pixels(figure, index=0):
    return np.asarray(figure.axes[index].images[0].get_array())


def test_every_label_is_said_and_what_is_missing_is_a_grey_dash():
    images = np.zeros((3, 8, 8, 3), np.uint8)
    figure = mxmtl.show_batch((images, LABELS), TASKS)
    assert texts(figure) == [
        "breed: lab", "toys: ball (rope?)", "age: 3.5",
        "· breed: -", "· toys: -", "· age: -",
        "breed: pug", "toys: none", "age: -1",
    ]  # fmt: skip
    assert [text.get_color() == COLORS[None] for text in figure.texts[3:6]] == [True] * 3
    assert COLORS[None] not in [text.get_color() for text in figure.texts[:3]]


def test_an_iterator_is_left_where_it_stands_and_its_images_are_as_stored(world):
    with mxmtl.RecordIter(
        str(world / "t"), 20, (3, 8, 8), mean=(10, 20, 30), std=(2, 3, 4), threads=1
    ) as batches:
        before = batches.state_dict()
        figure = mxmtl.show_batch(batches, count=3)
        assert batches.state_dict() == before
        index = batches.next().index
        np.testing.assert_array_equal(batches.pixels(batches.next().data[0]).shape, (20, 8, 8, 3))
        last = batches.next()
    stored = cv2.imread(str(world / f"{index[1]}.png"))[..., ::-1]
    np.testing.assert_array_equal(pixels(figure, 1), stored)
    assert len(figure.axes) == 3
    padded = mxmtl.show_batch(last, _world.tasks(), count=99, mean=(10, 20, 30), std=(2, 3, 4))
    assert len(padded.axes) == _world.ROWS - 40  # rows, not pad


def test_images_of_any_layout_and_scale(tmp_path):
    picture = np.random.RandomState(0).randint(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    picture[:, 0, 0], picture[:, 0, 1] = 0, 255
    planes = picture.transpose(0, 3, 1, 2).astype(np.float32)
    cases = [
        (planes, {}),
        (mx.nd.array(planes), {}),
        (planes / 255, {}),
        ((planes - 100) / 50, {}),
        ((planes - 100) / 50, {"mean": 100, "std": 50}),
        (picture, {}),
    ]
    for images, options in cases:
        figure = mxmtl.show_batch((images, LABELS), TASKS, **options)
        np.testing.assert_array_equal(pixels(figure, 2), picture[2])
    grey = mxmtl.show_batch((planes[:, :1], TASKS.split(mx.nd.array(LABELS))), TASKS)
    np.testing.assert_array_equal(pixels(grey), picture[0, :, :, 0])


def test_a_stock_iterator_and_wrong_use():
    images = np.zeros((3, 3, 8, 8), np.float32)
    labels = {task.label_name: part for task, part in zip(TASKS, TASKS.split(LABELS))}
    stock = mx.io.NDArrayIter(images, {name: labels[name] for name in sorted(labels)}, 2)
    with pytest.raises(TypeError, match="needs tasks"):
        mxmtl.show_batch(stock)
    with pytest.raises(ValueError, match="2 labels for 3 tasks"):
        mxmtl.show_batch((images, TASKS.split(LABELS)[:2]), TASKS)


def moods(figure, name):
    """Return the mood of each line about a task, by its colour."""
    by_color = {color: mood for mood, color in COLORS.items()}
    lines = [text for text in figure.texts if f"{name}: " in text.get_text()]
    return [by_color[line.get_color()] for line in lines], [line.get_text() for line in lines]


def test_results_are_right_wrong_or_not_known(world, tmp_path):
    run = Run(world / "first")
    made = predict_records(Network.of(run), str(world / "t"), run.model.preprocessing)
    figure = mxmtl.show_results(made, world / "t", count=99, path=tmp_path / "r.png")
    assert cv2.imread(str(tmp_path / "r.png")) is not None
    label, prediction = made.labels["breed"], made.prediction("breed")
    expected = [None if y < 0 else bool(p.argmax() == y) for y, p in zip(label, prediction)]
    found, lines = moods(figure, "breed")
    assert found == expected
    assert {True, False, None} == set(found)
    marks = {True: "✓", False: "✗", None: "·"}
    assert [line[0] for line in lines] == [marks[mood] for mood in found]
    known, wrong = made.labelled("toys"), None
    wrong = known & ((made.prediction("toys") > 0.5) != (made.labels["toys"] > 0))
    expected = [not w.any() if k.any() else None for k, w in zip(known, wrong)]
    assert moods(figure, "toys")[0] == expected
    assert set(moods(figure, "never")[0]) == {None}
    row = found.index(False)
    assert f"     label {_world.CLASSES[int(label[row])]}"[:30] in [t[:30] for t in texts(figure)]
    stored = cv2.imread(str(world / f"{made.index[row]}.png"))[..., ::-1]
    np.testing.assert_array_equal(pixels(figure, row), stored)


def test_run_predictor_and_predictions_say_the_same(world):
    run = Run(world / "first")
    made = predict_records(Network.of(run), str(world / "t"), run.model.preprocessing)
    options = {"count": 6, "tasks": ["breed", "age"]}
    predictor = mxmtl.Predictor(world / "first", device="cpu", threads=1)
    for model in (run, str(world / "first"), predictor):
        for worst in ("", "age"):
            expected = texts(mxmtl.show_results(made, world / "t", worst=worst, **options))
            assert texts(mxmtl.show_results(model, world / "t", worst=worst, **options)) == expected


def test_the_worst_come_first(world, one):
    figure = mxmtl.show_results(world / "first", world / "t", worst="breed", count=5)
    for axes, mistake in zip(figure.axes, one.facts["runs"][0]["tasks"]["breed"]["mistakes"]):
        stored = cv2.imread(str(world / f"{mistake['record']}.png"))[..., ::-1]
        np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), stored)
    with pytest.raises(ValueError, match=r"task 'bred' is not .* \(did you mean 'breed'\?\)"):
        mxmtl.show_results(world / "first", world / "t", worst="bred")


def test_a_picture_of_one_row_is_one():
    figure = mxmtl.show_batch((np.full((1, 1, 8, 3), 200, np.uint8), LABELS[:1]), TASKS)
    assert pixels(figure).shape == (1, 8, 3)


def test_too_many_pictures_for_a_figure_are_refused(tmp_path):
    images, labels = np.zeros((1500, 1, 1, 3), np.uint8), np.tile(LABELS, (500, 1))
    with pytest.raises(ValueError, match=r"1500 pictures are too many for one figure: show fewer"):
        mxmtl.show_batch((images, labels), TASKS, count=1500)


def test_names_are_no_mathematics():
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("kind", classes=["$x_1$", "_b"])])
    labels = np.array([[0], [1]], np.float32)
    figure = mxmtl.show_batch((np.zeros((2, 8, 8, 3), np.uint8), labels), tasks)
    figure.canvas.draw()  # would fail on mathematics that is none
    assert texts(figure) == [r"kind: \$x_1\$", "kind: _b"]


def test_letters_are_found_in_a_font_that_has_them():
    from matplotlib import font_manager

    families, lacking = chosen(letters_of(["breed: 比格犬"]))
    if lacking:
        pytest.skip('no font with Chinese letters: pip install "mxmtl[fonts]"')
    paths = [font_manager.findfont(name) for name in families]
    for letter in "breed: 比格犬":
        assert any(ord(letter) in charmap(path) for path in paths)
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("kind", classes=["比格犬", "b"])])
    figure = mxmtl.show_batch((np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 1))), tasks)
    figure.canvas.draw()  # a letter without a glyph is a warning, which fails here
    assert chosen(letters_of(["plain"])) == (("DejaVu Sans",), frozenset())


@pytest.fixture
def other_fonts(monkeypatch):
    """Return a function that sets which fonts are installed."""

    def forget():
        for function in (_grid.chosen, _grid.say_what_lacks):
            function.cache_clear()

    def install(paths):
        forget()
        monkeypatch.setattr(_grid, "candidates", lambda _: paths)

    yield install
    forget()


@pytest.mark.parametrize("speller", [True, False])
def test_letters_that_no_font_has_are_spelled_and_said_once(
    other_fonts, monkeypatch, caplog, speller
):
    other_fonts([])
    expected = ["kind: BiGeQuan", "kind: größer"]
    if not speller:
        monkeypatch.setitem(sys.modules, "anyascii", None)
        expected[0] = r"kind: \u6bd4\u683c\u72ac"
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("kind", classes=["比格犬", "größer"])])
    batch = np.zeros((2, 8, 8, 3), np.uint8), np.arange(2).reshape(2, 1)
    with caplog.at_level(logging.WARNING, "mxmtl"):
        figure = mxmtl.show_batch(batch, tasks)
        mxmtl.show_batch(batch, tasks)
    figure.canvas.draw()  # a letter without a glyph is a warning, which fails here
    assert texts(figure) == expected
    assert caplog.text.count('pip install "mxmtl[fonts]"') == 1


def test_a_font_whose_name_leads_to_another_is_not_counted_on(other_fonts, monkeypatch):
    other_fonts(["/fonts/has.ttf"])
    real = _grid.charmap
    monkeypatch.setattr(_grid, "family", lambda *_: _grid.FIRST)
    monkeypatch.setattr(
        _grid, "charmap", lambda path: {0x72AC} if path == "/fonts/has.ttf" else real(path)
    )
    assert chosen(frozenset("a犬"))[1] == {"犬"}


def test_fonts_of_python_packages_are_found(tmp_path, monkeypatch):
    package = tmp_path / "noto_cjk_sans_otc"
    package.mkdir()
    for name in ("__init__.py", "NotoSansCJK-Regular.ttc"):
        (package / name).touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert str(package / "NotoSansCJK-Regular.ttc") in _grid.packaged_fonts()


def test_long_texts_are_cut_to_their_width():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("比格犬", 6) == "比格犬"
    assert cut("比格犬", 5) == "比格…"
    assert cut("比格犬", 4) == "比…"


def test_long_texts_fold_between_words():
    assert folded("a", 9, 3) == ["a"]
    assert folded("     label no", 40, 3) == ["     label no"]
    text = "beard blond glasses hat hoodie suit overall"
    assert folded(text, 14, 9) == ["beard blond", "  glasses hat", "  hoodie suit", "  overall"]
    assert folded(text, 14, 2) == ["beard blond", "  glasses hat…"]
    assert folded("x" * 20, 14, 3) == ["x" * 13 + "…"]
    lines = folded("比格犬 " * 9, 14, 3)
    assert len(lines) == 3
    assert all(wide(line) <= 14 for line in lines)


def test_files_and_what_is_not_installed(tmp_path, monkeypatch):
    batch = (np.zeros((3, 8, 8, 3), np.uint8), LABELS)
    mxmtl.show_batch(batch, TASKS, path=tmp_path / "b.svg")
    assert b"<svg" in (tmp_path / "b.svg").read_bytes()
    mxmtl.show_batch(batch, TASKS, path=tmp_path / "b.html")
    assert "toys: ball (rope?)" in (tmp_path / "b.html").read_text("utf-8")
    with pytest.raises(ValueError, match="a figure ends in one of"):
        mxmtl.show_batch(batch, TASKS, path=tmp_path / "b.doc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.html", "b.svg"]
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "mxmtl\[plot\]"'):
        mxmtl.show_batch(batch, TASKS)
