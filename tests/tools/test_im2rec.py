"""tools/im2rec.py against MXNet's own: same command lines, same lists, same labels; no silence."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import mxmtl
from mxmtl.data import TableError

import mxnet.tools
import numpy as np
import pytest

from ..data._images import encoded, pixels, read_by_mxnet, write_images

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))  # where a script finds its own
STOCK = Path(next(iter(mxnet.tools.__path__))) / "im2rec.py"
spec = importlib.util.spec_from_file_location("im2rec", ROOT / "tools" / "im2rec.py")
im2rec = importlib.util.module_from_spec(spec)
spec.loader.exec_module(im2rec)


@pytest.fixture
def root(tmp_path):
    """jpg/ with three folders of images of several endings."""
    for index, name in enumerate(("pug", "beagle", "boxer/old")):
        (tmp_path / "jpg" / name).mkdir(parents=True)
        write_images(tmp_path / "jpg" / name, 4 + index)
    (tmp_path / "jpg" / "pug" / "x.PNG").write_bytes(encoded(pixels(20, 30), ".png"))
    (tmp_path / "jpg" / "pug" / "notes.txt").write_text("none")
    write_images(tmp_path / "jpg", 2)
    return tmp_path


def stock(*arguments):
    # mxmtl first: it makes MXNet load with a newer NumPy, and on Python 3.12.
    code = "import mxmtl, runpy, sys; sys.argv.pop(0); runpy.run_path(sys.argv[0], {}, '__main__')"
    command = [sys.executable, "-c", code, str(STOCK), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout


def ours(*arguments):
    return im2rec.main([*map(str, arguments)])


def lists(folder):
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.lst"))}


LIST_LINES = [
    ["--list", "--recursive"],
    ["--list", "--no-shuffle"],
    ["--list", "--recursive", "--chunks", "3", "--train-ratio", "0.5", "--test-ratio", "0.2"],
    ["--exts", ".png", ".jpg", "--list", "--recursive", "--train-ratio", "0.7"],
]


def test_lists_are_those_of_mxnet(root, capsys):
    # One process for all lines: importing MXNet takes longer than the lists do.
    code = (
        "import mxmtl, runpy, sys\n"
        "script, lines = sys.argv[1:]\n"
        "for line in lines.split(';'):\n"
        "    sys.argv = [script, *line.split()]\n"
        "    runpy.run_path(script, run_name='__main__')\n"
    )
    lines = []
    for number, line in enumerate(LIST_LINES):
        (root / f"stock{number}").mkdir()
        (root / f"ours{number}").mkdir()
        lines.append(" ".join([*line, str(root / f"stock{number}" / "d"), str(root / "jpg")]))
    command = [sys.executable, "-c", code, str(STOCK), ";".join(lines)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout
    for number, line in enumerate(LIST_LINES):
        assert ours(*line, root / f"ours{number}" / "d", root / "jpg") == 0
        found = lists(root / f"ours{number}")
        assert found == {k: v for k, v in lists(root / f"stock{number}").items() if v}
        assert found
    assert capsys.readouterr().out == printed


def test_records_hold_the_labels_and_images_of_mxnet(root):
    for name in ("stock", "ours"):
        (root / name).mkdir()
        ours("--list", "--recursive", root / name / "d", root / "jpg")
    line = ["--resize", "16", "--encoding", ".png", "--quality", "3", "--num-thread", "2"]
    stock(*line, root / "stock" / "d", root / "jpg")
    assert ours(*line, root / "ours" / "d", root / "jpg") == 0
    theirs, mine = read_by_mxnet(root / "stock" / "d"), read_by_mxnet(root / "ours" / "d")
    assert sorted(theirs) == sorted(mine)
    for key, (label, payload) in theirs.items():
        assert mine[key][0].tobytes() == label.tobytes()
        shapes = [mxnet.image.imdecode(data).shape for data in (payload, mine[key][1])]
        assert min(shapes[0][:2]) == min(shapes[1][:2]) == 16
        assert max(np.abs(np.subtract(*shapes))) <= 1  # they cut the long edge down, we round it


@pytest.mark.parametrize(
    ("train", "test"), [("0.75", "0.25"), ("0.5", "0.5"), ("0.34", "0.66"), ("0.9", "0")]
)
def test_no_image_is_lost_by_rounding(root, train, test):
    line = ["--list", "--recursive", "--train-ratio", train, "--test-ratio", test]
    ours(*line, root / "d", root / "jpg")
    listed = [line.split("\t")[2] for text in lists(root).values() for line in text.splitlines()]
    files = [path for path in (root / "jpg").rglob("*.*") if path.suffix != ".txt"]
    assert sorted(listed) == sorted(str(path.relative_to(root / "jpg")) for path in files)


def test_no_empty_list_is_written(root, capsys, caplog):
    ours("--list", "--recursive", "--chunks", "100", root / "d", root / "jpg")
    assert all(lists(root).values())
    assert "would hold no image, and is not written" in caplog.text
    assert ours(root / "d", root / "jpg") == 0


@pytest.mark.parametrize("option", ["--workers", "--num-thread"])
def test_threads_may_be_chosen_by_either_name(root, monkeypatch, option):
    ours("--list", "--recursive", root / "d", root / "jpg")
    given = []

    def write_records(*arguments, **options):
        given.append(options["workers"])
        return mxmtl.write_records(*arguments, **options)

    monkeypatch.setattr(im2rec, "write_records", write_records)
    assert ours(option, "3", root / "d", root / "jpg") == 0
    assert given == [3]


def test_the_examples_in_the_help_run(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    with pytest.raises(SystemExit, match="0"):
        ours("--help")
    examples = re.findall(r"python tools/im2rec.py (.+)", capsys.readouterr().out)
    assert len(examples) == 2
    assert [ours(*shlex.split(line)) for line in examples] == [0, 0]
    assert len(read_by_mxnet(root / "data" / "dogs_train")) == 14


def test_all_labels_are_packed_without_being_asked(root):
    (root / "d.lst").write_text("0\t1\t-1\tnan\tpug/0.jpg\n5\t2\t3\t0.5\tpug/1.jpg\n")
    assert ours(root / "d", root / "jpg") == 0
    records = read_by_mxnet(root / "d")
    np.testing.assert_array_equal(records[0][0], np.float32([1, -1, np.nan]))
    np.testing.assert_array_equal(records[5][0], np.float32([2, 3, 0.5]))
    assert ours("--pack-label", root / "d", root / "jpg") == 0  # as it is, and over what is there


def test_every_list_of_a_prefix_is_converted(root):
    ours("--list", "--recursive", "--train-ratio", "0.5", root / "d", root / "jpg")
    assert ours("--pass-through", root / "d", root / "jpg") == 0
    counts = [len(read_by_mxnet(root / f"d_{part}")) for part in ("train", "val")]
    assert counts == [len(text.splitlines()) for text in lists(root).values()]
    payload = (root / "jpg" / "pug" / "0.jpg").read_bytes()
    stored = [
        data for part in ("train", "val") for _, data in read_by_mxnet(root / f"d_{part}").values()
    ]
    assert payload in stored


@pytest.mark.parametrize("bad", ["0\t1\tnone.jpg", "0\tdog\tpug/0.jpg", "0\t1\tpug/notes.txt"])
def test_a_bad_line_is_never_passed_over_in_silence(root, bad, capsys):
    (root / "d.lst").write_text(f"7\t1\tpug/1.jpg\n{bad}\n")
    assert ours(root / "d", root / "jpg") == 1
    assert "d.lst row 2, " in capsys.readouterr().err
    assert not (root / "d.rec").exists()
    assert ours("--on-error", "skip", root / "d", root / "jpg") == 3
    assert list(read_by_mxnet(root / "d")) == [7]
    assert "\n2," in (root / "d.skipped.csv").read_text("utf-8")


def test_a_list_of_another_prefix_is_left_alone(root):
    for name in ("d", "d_val", "dogs"):
        (root / f"{name}.lst").write_text("0\t1\tpug/0.jpg\n")
    assert ours(root / "d", root / "jpg") == 0
    assert sorted(path.name for path in root.glob("*.rec")) == ["d.rec", "d_val.rec"]
    assert [Path(path).name for path in im2rec.find_lists(root)] == [
        "d.lst",
        "d_val.lst",
        "dogs.lst",
    ]


def test_tasks_may_be_given(root):
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("kind", classes=["a", "b"])])
    tasks.save(root / "t.json")
    (root / "d.lst").write_text("0\t1\tpug/0.jpg\n1\t2\tpug/1.jpg\n")
    assert ours("--tasks", root / "t.json", root / "d", root / "jpg") == 1
    (root / "d.lst").write_text("0\t1\tpug/0.jpg\n1\t-1\tpug/1.jpg\n")
    assert ours("--tasks", root / "t.json", root / "d", root / "jpg") == 0
    assert mxmtl.TaskSet.load(root / "d.tasks.json") == tasks


@pytest.mark.parametrize(
    ("line", "message"),
    [(["--color", "2", "d", "jpg"], "invalid choice: 2"), (["d"], "required: root")],
)
def test_a_wrong_command_line(capsys, line, message):
    with pytest.raises(SystemExit, match="2"):
        ours(*line)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["d", "jpg"], "im2rec: no list"),
        (["--list", "d", "none"], "none: No such file"),
        (["--list", "--exts", ".gif", "--", "d", "jpg"], "no image that ends in .gif"),
        (["--list", "--chunks", "0", "d", "jpg"], "chunks=0: expected 1 or more"),
        (["--list", "--train-ratio", "0.9", "--test-ratio", "0.2", "d", "jpg"], "more than 1"),
    ],
)
def test_messages(root, monkeypatch, capsys, line, message):
    monkeypatch.chdir(root)
    assert ours(*line) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["7\tb.jpg", "7\nb.jpg", "7\rb.jpg", " 7/b.jpg", "\u20037.jpg", "7.jpg "]
)
def test_a_name_that_a_list_cannot_hold_is_refused(root, capsys, name):
    path = root / "jpg" / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(root / "jpg" / "0.jpg", path)
    assert (
        ours("--list", "--recursive", "--exts", ".jpg", ".jpg ", "--", root / "d", root / "jpg")
        == 1
    )
    assert f"image {name!r} cannot stand in a list" in capsys.readouterr().err
    assert not list(root.glob("*.lst"))


def test_a_name_with_a_space_inside_is_listed(root):
    (root / "jpg" / "0.jpg").rename(root / "jpg" / "a b.jpg")
    assert ours("--list", "--recursive", root / "d", root / "jpg") == 0
    assert ours(root / "d", root / "jpg") == 0


def test_endings_are_found_in_any_case(root):
    assert (
        ours("--list", "--recursive", "--exts", ".PNG", ".Jpg", "--", root / "a", root / "jpg") == 0
    )
    assert ours("--list", "--recursive", root / "b", root / "jpg") == 0
    assert (root / "a.lst").read_text() == (root / "b.lst").read_text()


def test_an_interrupt_is_one_line(root, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(im2rec, "write_lists", interrupt)
    assert ours("--list", root / "d", root / "jpg") == 130
    assert capsys.readouterr().err == "im2rec: stopped.\n"


def test_an_unreadable_folder_is_no_empty_folder(root, monkeypatch):
    shutil.rmtree(root / "jpg")
    with pytest.raises(FileNotFoundError):
        im2rec.write_lists(root / "d", root / "jpg", im2rec.ListOptions())
    (root / "jpg").mkdir()
    with pytest.raises(TableError, match="no image that ends in"):
        im2rec.write_lists(root / "d", root / "jpg", im2rec.ListOptions())


def test_a_list_of_a_folder_with_a_loop_ends(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.jpg").write_bytes(b"")
    (tmp_path / "cat" / "loop").symlink_to(".")
    options = im2rec.ListOptions(recursive=True, shuffle=False)
    paths, classes = im2rec.write_lists(tmp_path / "d", tmp_path, options)
    assert Path(*paths).read_text() == "0\t0.000000\tcat/1.jpg\n"
    assert classes == {"cat": 0}


def test_an_image_whose_name_is_not_utf8_cannot_be_listed(tmp_path):
    write_images(tmp_path / "beagle\udcff", 1)
    with pytest.raises(TableError, match=r"/beagle\\xff/0.jpg': the name is not UTF-8"):
        im2rec.write_lists(tmp_path / "d", tmp_path, im2rec.ListOptions(recursive=True))
