"""A run that is stopped anywhere goes on to the same bytes as one that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mxmtl
from mxmtl.data.convert import ImageWorker, Journal, Stage

import pytest

from ._images import COLUMNS, TASKS, random_rows, write_csv, write_images

OPTIONS = {"resize": 16, "shard_rows": 300, "split": {"a": 0.8, "b": 0.2}, "on_error": "skip"}

# Forks after the import, so that a run costs its work alone. Arguments: folder, number of kills.
KILLER = """
import os, random, signal, sys, time, traceback
import mxmtl
folder, kills = sys.argv[1], int(sys.argv[2])
tasks = mxmtl.TaskSet.load(folder + "/tasks.json")
options = eval(sys.argv[3])

def start(target, **more):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        mxmtl.write_records(
            folder + "/train.csv", folder + "/jpg", prefix=target + "/d", tasks=tasks,
            **options, **more,
        )
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)

def finish(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

begin = time.perf_counter()
assert finish(start(folder + "/whole")) == 0
seconds = time.perf_counter() - begin
rng, killed = random.Random(0), 0
for attempt in range(20 * kills):
    target = f"{folder}/kill{killed}"
    child = start(target, force=True)
    time.sleep(rng.uniform(0, seconds))
    os.kill(child, signal.SIGKILL)
    if finish(child) == 0:  # it was faster this time
        seconds *= 0.8
        continue
    assert finish(start(target, resume=True)) == 0, target
    killed += 1
    if killed == kills:
        break
print("killed", killed)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    rows = random_rows(1500, write_images(folder / "jpg", 30))
    rows[40]["path"], rows[700]["breed"] = "none.jpg", "bull"
    write_csv(folder / "train.csv", rows)
    TASKS.save(folder / "tasks.json")
    return folder


def convert(folder, target, **options):
    return mxmtl.write_records(
        folder / "train.csv",
        folder / "jpg",
        **{"prefix": target / "d", "tasks": TASKS, **OPTIONS, **options},
    )


@pytest.fixture(scope="module")
def whole(made):
    convert(made, made / "undisturbed")
    return contents(made / "undisturbed")


class Stop(BaseException):
    """Ends a run where it stands, as a signal would."""


def stop_at(monkeypatch, module, name, call):
    """Let the call of that number raise `Stop` instead."""
    real, calls = getattr(module, name), iter(range(1, 10**6))

    def stopping(*arguments, **options):
        if next(calls) == call:
            raise Stop
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, stopping)


@pytest.mark.skipif(sys.version_info < (3, 9), reason="os.waitstatus_to_exitcode")
def test_killed_at_random_moments(made, whole):
    command = [sys.executable, "-c", KILLER, str(made), "8", repr(OPTIONS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    assert done.stdout == "killed 8\n"
    assert contents(made / "whole") == whole
    for number in range(8):
        assert contents(made / f"kill{number}") == whole


@pytest.mark.parametrize("call", range(1, 14))
def test_stopped_while_files_get_their_names(made, whole, tmp_path, monkeypatch, call):
    stop_at(monkeypatch, os, "replace", call)
    with pytest.raises(Stop):
        convert(made, tmp_path)
    monkeypatch.undo()
    for path in tmp_path.glob("d_*"):  # what has its final name is complete
        assert path.read_bytes() == whole[path.name]
    convert(made, tmp_path, resume=True)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"files": ["../mine"]}, "'../mine' is no name of a file"),
        ({"files": [".."]}, "'..' is no name of a file"),
        ({"files": ["/etc/hosts"]}, "'/etc/hosts' is no name of a file"),
        ({"files": [1]}, r"files\[0\] is 1; expected str"),
        ({}, "files is not there"),
    ],
)
def test_a_forged_list_of_files_moves_nothing(made, tmp_path, monkeypatch, said, message):
    stop_at(monkeypatch, os, "replace", 11)  # before the first file gets its name
    with pytest.raises(Stop):
        convert(made, tmp_path / "out")
    monkeypatch.undo()
    marker = tmp_path / "out" / "d.part" / "finished.json"
    told = json.loads(marker.read_text())
    marker.write_text(json.dumps({"digest": told["digest"], **said}))
    (tmp_path / "mine").write_text("kept")
    before = sorted(path.name for path in (tmp_path / "out").rglob("*"))
    with pytest.raises(ValueError, match=message):
        convert(made, tmp_path / "out", resume=True)
    assert (tmp_path / "mine").read_text() == "kept"
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == before


@pytest.mark.parametrize("way", ["out//d", "./out/d", "out/./d", "out/../out/d", "//out///d"])
def test_the_same_prefix_may_be_spelled_in_many_ways(made, whole, tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    prefix = f"{tmp_path}{way}" if way.startswith("/") else way
    stop_at(monkeypatch, os, "replace", 20)  # 10 files are made before any is moved
    with pytest.raises(Stop):
        convert(made, tmp_path, prefix=prefix)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    convert(made, tmp_path, prefix=prefix, resume=True)
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("call", [1, 2, 3])
def test_stopped_again_and_again(made, whole, tmp_path, monkeypatch, call):
    for _ in range(4):
        stop_at(monkeypatch, Journal, "add", call)
        with pytest.raises(Stop):
            convert(made, tmp_path, resume=True)
        monkeypatch.undo()
    convert(made, tmp_path, resume=True)
    assert contents(tmp_path) == whole


def stopped(made, target, monkeypatch):
    """Leave a run half done."""
    stop_at(monkeypatch, Journal, "add", 6)
    with pytest.raises(Stop):
        convert(made, target)
    monkeypatch.undo()
    assert [path.name for path in target.iterdir()] == ["d.part"]


def test_work_is_not_done_twice(made, whole, tmp_path, monkeypatch):
    stopped(made, tmp_path, monkeypatch)
    rows = []
    real = ImageWorker.__call__
    monkeypatch.setattr(
        ImageWorker,
        "__call__",
        lambda self, jobs: rows.extend(jobs) or real(self, jobs),
    )
    convert(made, tmp_path, resume=True)
    assert len(rows) == 1500 - 4 * 128
    assert contents(tmp_path) == whole


def test_a_torn_line_of_the_journal_does_not_count(made, whole, tmp_path, monkeypatch):
    stopped(made, tmp_path, monkeypatch)
    journal = tmp_path / "d.part" / "journal"
    journal.write_bytes(journal.read_bytes()[:-100])
    convert(made, tmp_path, resume=True)
    assert contents(tmp_path) == whole


def test_remains_are_not_touched_unless_asked(made, whole, tmp_path, monkeypatch):
    stopped(made, tmp_path, monkeypatch)
    with pytest.raises(FileExistsError, match=r"resume=True \(--resume\) goes on .* force=True"):
        convert(made, tmp_path)
    convert(made, tmp_path, force=True)
    assert contents(tmp_path) == whole


def test_resuming_with_other_options_is_refused(made, tmp_path, monkeypatch):
    stopped(made, tmp_path, monkeypatch)
    with pytest.raises(
        ValueError, match="with other options: resize was 16 and is 20. Repeat those"
    ):
        convert(made, tmp_path, resume=True, resize=20)


def test_the_rest_of_a_run_may_skip_bad_rows(made, whole, tmp_path):
    rows = (made / "train.csv").read_text("utf-8").splitlines()
    with pytest.raises(mxmtl.LabelError, match="row 702"):
        convert(made, tmp_path, on_error="raise")
    assert not list(tmp_path.iterdir())
    table = tmp_path / "train.csv"
    table.write_text("\n".join([*rows[:701], *rows[702:800]]) + "\n", "utf-8")
    options = {"tasks": TASKS, "prefix": tmp_path / "d", "resize": 16}
    (tmp_path / "jpg").symlink_to(made / "jpg")
    with pytest.raises(ValueError, match=r"row 42, image .*none.jpg': no such file"):
        mxmtl.write_records(table, tmp_path / "jpg", **options)
    mxmtl.write_records(table, tmp_path / "jpg", on_error="skip", resume=True, **options)


def test_a_table_that_changed_is_noticed(made, tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    lines = (made / "train.csv").read_text("utf-8").splitlines()
    (work / "train.csv").write_text("\n".join(lines), "utf-8")
    (work / "jpg").symlink_to(made / "jpg")
    stopped(work, tmp_path / "out", monkeypatch)
    lines[3] = lines[4]
    (work / "train.csv").write_text("\n".join(lines), "utf-8")
    with pytest.raises(ValueError, match=r"d.part: the table has changed since .* force=True"):
        convert(work, tmp_path / "out", resume=True)


@pytest.mark.parametrize("call", [11, 20])  # before the first file gets its name, and half-way
def test_a_table_that_changed_before_the_files_got_their_names_is_noticed(
    made, tmp_path, monkeypatch, call
):
    (tmp_path / "jpg").symlink_to(made / "jpg")
    lines = (made / "train.csv").read_text("utf-8").splitlines()
    (tmp_path / "train.csv").write_text("\n".join(lines), "utf-8")
    stop_at(monkeypatch, os, "replace", call)
    with pytest.raises(Stop):
        convert(tmp_path, tmp_path / "out")
    monkeypatch.undo()
    assert (tmp_path / "out" / "d.part" / "finished.json").exists()
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("d_*")}
    (tmp_path / "train.csv").write_text("\n".join([*lines[:3], lines[4], *lines[4:]]), "utf-8")
    with pytest.raises(ValueError, match=r"d.part: the table has changed since .* force=True"):
        convert(tmp_path, tmp_path / "out", resume=True)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("d_*")} == before
    convert(tmp_path, tmp_path / "out", force=True)
    (tmp_path / "new").mkdir()
    convert(tmp_path, tmp_path / "new")
    assert contents(tmp_path / "out") == contents(tmp_path / "new")


@pytest.mark.parametrize("change", ["image", "head", "cut"])
def test_unfinished_output_that_changed_is_noticed(made, tmp_path, monkeypatch, change):
    stopped(made, tmp_path, monkeypatch)
    part = tmp_path / "d.part" / "d_a-00000.rec"
    data = bytearray(part.read_bytes())
    if change == "cut":
        del data[50:]
    else:
        data[5000 if change == "image" else 5] ^= 1
    part.write_bytes(data)
    with pytest.raises(ValueError, match="the unfinished output has changed"):
        convert(made, tmp_path, resume=True)


def test_resuming_what_is_complete_does_nothing(made, whole, tmp_path):
    first = convert(made, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert convert(made, tmp_path, resume=True) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    with pytest.raises(FileExistsError, match="exists"):
        convert(made, tmp_path, resume=True, resize=8)


def appearing(monkeypatch, path):
    """Let a file come up once the work is done, before any output has its name."""
    finish = Stage.finish

    def finish_and_write(self, names):
        finish(self, names)
        path.write_text("precious")

    monkeypatch.setattr(Stage, "finish", finish_and_write)


@pytest.mark.parametrize("name", ["d_a-00001.rec", "d_b.skipped.csv", "d_a.rec"])
def test_what_appears_during_a_run_is_not_overwritten(made, whole, tmp_path, monkeypatch, name):
    mine = tmp_path / name
    appearing(monkeypatch, mine)
    with pytest.raises(FileExistsError, match=rf"{name} has appeared .*d.part\..*--resume --force"):
        convert(made, tmp_path)
    with pytest.raises(FileExistsError, match=rf"{name} has appeared"):
        convert(made, tmp_path, resume=True)
    assert mine.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "d.part"])
    mine.unlink()
    convert(made, tmp_path, resume=True)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("late", [False, True])
def test_what_appears_during_a_run_is_replaced_where_it_may_be(
    made, whole, tmp_path, monkeypatch, late
):
    appearing(monkeypatch, tmp_path / "d_a-00000.rec")
    if late:
        with pytest.raises(FileExistsError):
            convert(made, tmp_path)
        monkeypatch.undo()
    convert(made, tmp_path, resume=late, force=True)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("call", [11, 14, 20])
def test_what_a_run_may_replace_is_remembered(made, whole, tmp_path, monkeypatch, call):
    convert(made, tmp_path, quality=50)
    stop_at(monkeypatch, os, "replace", call)
    with pytest.raises(Stop):
        convert(made, tmp_path, force=True)
    monkeypatch.undo()
    convert(made, tmp_path, resume=True)
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("option", ["resume", "force"])
@pytest.mark.parametrize(
    "files", [{"notes.txt": "x"}, {"journal": "Monday: rain."}, {"journal": "", "notes.txt": "x"}]
)
def test_a_folder_that_no_run_has_made_is_left_alone(made, tmp_path, files, option):
    folder = tmp_path / "d.part"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(FileExistsError, match=r"d.part is no folder of mxmtl's.* another prefix"):
        convert(made, tmp_path, **{option: True})
    assert {path.name: path.read_text() for path in folder.iterdir()} == files


def test_a_folder_of_that_name_with_a_folder_called_journal_is_left_alone(made, tmp_path):
    (tmp_path / "d.part" / "journal").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="is no folder of mxmtl's"):
        convert(made, tmp_path, force=True)


@pytest.mark.parametrize("journal", [None, "", '{"source": {"ta'])
def test_what_a_run_leaves_that_is_stopped_at_once_is_taken_up(made, whole, tmp_path, journal):
    (tmp_path / "d.part").mkdir()
    if journal is not None:
        (tmp_path / "d.part" / "journal").write_text(journal)
    convert(made, tmp_path, resume=True)
    assert contents(tmp_path) == whole


def test_two_runs_do_not_write_into_each_other(made, tmp_path):
    (tmp_path / "d.part").mkdir()
    held = Journal(str(tmp_path / "d.part"))
    for options in ({}, {"resume": True}, {"force": True}):
        with pytest.raises(BlockingIOError, match="another conversion is writing there. Wait"):
            convert(made, tmp_path, **options)
    held.close()
    convert(made, tmp_path, force=True)


def test_the_journal_holds_no_more_than_it_has_to(made, tmp_path, monkeypatch):
    stopped(made, tmp_path, monkeypatch)
    lines = (tmp_path / "d.part" / "journal").read_bytes().splitlines()
    assert len(lines) == 5
    assert all(len(json.loads(line)["outcomes"]) == 128 for line in lines[1:])
    assert sum(map(len, lines[1:])) < 40 * 4 * 128


def test_resuming_what_is_complete_looks_at_the_table(made, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    lines = (made / "train.csv").read_text("utf-8").splitlines()
    (work / "train.csv").write_text("\n".join(lines), "utf-8")
    (work / "jpg").symlink_to(made / "jpg")
    convert(work, tmp_path / "out")
    lines[3] = lines[4]
    (work / "train.csv").write_text("\n".join(lines), "utf-8")
    message = "exists, and is not what this table and these options give"
    with pytest.raises(FileExistsError, match=message):
        convert(work, tmp_path / "out", resume=True)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: os.truncate(path, 100)])
@pytest.mark.parametrize("name", ["d_a-00000.rec", "d_a-00000.idx"])
def test_resuming_what_is_complete_looks_whether_it_is_there(made, tmp_path, name, damage):
    convert(made, tmp_path)
    damage(tmp_path / name)
    with pytest.raises(FileExistsError, match="and is not what this table"):
        convert(made, tmp_path, resume=True)


@pytest.mark.parametrize(
    "options",
    [{"split": None, "split_column": "part"}, {"split": {"a": 0.5, "b": 0.5}, "group": "part"}],
)
def test_resuming_what_is_complete_looks_at_the_column_it_splits_by(made, tmp_path, options):
    (tmp_path / "jpg").symlink_to(made / "jpg")
    rows = [{"path": f"{n}.jpg", "part": "ab"[n % 3 > 0]} for n in range(12)]
    write_csv(tmp_path / "train.csv", rows, [*COLUMNS, "part"])
    options = {**options, "shard_rows": 0}
    convert(tmp_path, tmp_path / "out", **options)
    before = contents(tmp_path / "out")
    rows[0]["part"], rows[1]["part"] = "b", "a"
    write_csv(tmp_path / "train.csv", rows, [*COLUMNS, "part"])
    with pytest.raises(FileExistsError, match="is not what this table and these options give"):
        convert(tmp_path, tmp_path / "out", resume=True, **options)
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("entry", [{"source": 3}, {"shards": 3}, {"shards": [3]}])
def test_resuming_beside_a_damaged_manifest(made, tmp_path, entry):
    convert(made, tmp_path)
    manifest = tmp_path / "d_b.manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text("utf-8")), **entry}), "utf-8")
    with pytest.raises(FileExistsError, match="d_a-00000.rec exists, and is not what this table"):
        convert(made, tmp_path, resume=True)
