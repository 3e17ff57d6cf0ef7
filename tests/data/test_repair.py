"""A repair touches nothing that was read, by whatever name it is called."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil

import mxmtl
from mxmtl.cli import main
from mxmtl.data import repair_records

import pytest


def contents(folder):
    """{path: checksum} of all files in a folder; links are not followed."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("d", "d"),
        ("d.rec", "d"),
        ("d", "./d"),
        ("d", "d.rec"),
        ("d", "linked"),
        ("linked", "d"),
        ("linked.rec", "d"),
        ("elsewhere/d", "d"),
        ("d", "d-00000"),
        ("sh", "sh"),
        ("sh-00000.rec", "sh"),
        ("sh-00000", "sh"),
        ("sh", "sh-00001"),
        ("sh-00000.rec", "sh-00001"),
        ("sh-00000", "sh-00003"),
        ("sh-00000.rec", "elsewhere/sh"),
        ("good.part/d", "good"),
        (".good.done/d", "good"),
    ],
)
def test_the_source_is_never_the_target(folder, source, target):
    (folder / "elsewhere").symlink_to(folder)
    for ending in (".rec", ".idx", ".tasks.json", ".manifest.json"):
        (folder / f"linked{ending}").symlink_to(folder / f"d{ending}")
    for name in ("good.part", ".good.done"):
        (folder / name).mkdir()
        for path in folder.glob("d.*"):
            shutil.copy(path, folder / name)
    before = contents(folder)
    prefix = target.replace(".rec", "")  # of what would be written
    with pytest.raises(ValueError, match=f"^{prefix}: .* being read.*; give another prefix"):
        repair_records(source, target, force=True)
    assert contents(folder) == before


def test_the_given_tasks_are_not_replaced(folder):
    repair_records("d", "good")
    os.remove("d.tasks.json")
    before = contents(folder)
    with pytest.raises(ValueError, match="good.tasks.json is being read"):
        repair_records("d", "good", tasks="good.tasks.json", force=True)
    assert contents(folder) == before


def test_the_command_line_refuses_as_well(folder, capsys):
    before = contents(folder)
    assert main(["verify", "sh-00000.rec", "--repair", "sh", "--force"]) == 1
    assert "give another prefix" in capsys.readouterr().err
    assert contents(folder) == before


@pytest.mark.parametrize(("prefix", "target"), [("d\udce9", "good"), ("d", "good\udce9")])
def test_what_the_manifest_cannot_name_is_refused_at_once(folder, prefix, target):
    for ending in (".rec", ".idx", ".tasks.json"):
        if prefix != "d":
            os.rename(f"d{ending}", f"{prefix}{ending}")
    before = sorted(os.listdir())
    with pytest.raises(ValueError, match=r"='\w+\\xe9': the name is not UTF-8\. Rename it"):
        repair_records(prefix, target)
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("target", ["d2", "dd", "d-1", "other/d", "sh2"])
def test_names_that_are_only_alike_may_be_written(folder, target):
    before = contents(folder)
    _, summary = repair_records("d", target)
    assert summary.num_records == 9
    assert {path: digest for path, digest in contents(folder).items() if path in before} == before


def test_the_target_may_be_named_with_its_ending(folder):
    _, summary = repair_records("d", "good.rec")
    assert os.path.exists("good.rec")
    assert not os.path.exists("good.rec.rec")
    assert len(mxmtl.RecordDataset("good")) == summary.num_records == 9
    for target, says in ((".rec", "has no name before its ending"), ("good/", "names a folder")):
        with pytest.raises(ValueError, match=says):
            repair_records("d", target)


def test_a_full_disk_is_named(folder, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "writev", full)
    assert main(["verify", "d", "--repair", "good"]) == 1
    assert "good.part: No space left on device" in capsys.readouterr().err


def test_a_tasks_file_that_is_not_there_is_an_error(folder, capsys):
    os.remove("d.tasks.json")
    for prefix in ("d", "sh"):
        with pytest.raises(FileNotFoundError, match="nosuch.json"):
            mxmtl.data.verify_records(prefix, tasks="nosuch.json")
        with pytest.raises(FileNotFoundError, match="nosuch.json"):
            repair_records(prefix, "good", tasks="nosuch.json")
    assert main(["verify", "d", "--tasks", "nosuch.json"]) == 1
    assert "nosuch.json: No such file" in capsys.readouterr().err
