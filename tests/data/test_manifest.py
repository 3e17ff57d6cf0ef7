"""The manifest beside records: how many shards there are, and what each was when written."""

from __future__ import annotations

import json
import shutil

import mxmtl
from mxmtl.data import inspect_records, verify_records

import pytest

SHAPE = (3, 4, 4)


def count(prefix):
    with mxmtl.RecordIter(prefix, 4, SHAPE) as data:
        return data.num_records


READERS = [verify_records, inspect_records, mxmtl.RecordDataset, count]


@pytest.mark.parametrize("read", READERS)
def test_a_last_shard_that_is_missing_is_noticed(folder, read):
    read("sh")
    (folder / "sh-00002.rec").unlink()
    message = r"sh: 2 shards are there, and sh.manifest.json lists 3\. Fetch the others"
    with pytest.raises(FileNotFoundError, match=message):
        read("sh")
    read("sh-00001.rec")  # by its own name


def test_all_shards_but_the_first_are_missing(folder):
    for shard in (1, 2):
        (folder / f"sh-0000{shard}.rec").unlink()
    with pytest.raises(FileNotFoundError, match="sh: 1 shard is there, and .* lists 3"):
        count("sh")


def test_files_that_were_renamed_are_counted_not_compared(folder):
    for path in sorted(folder.glob("sh*")):
        path.rename(folder / path.name.replace("sh", "photos"))
    assert count("photos") == 9
    shutil.copy("photos-00000.rec", "photos-00003.rec")  # one more than the manifest knows
    assert count("photos") == 12


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "mxmtl.manifest"}', "\udcff"])
def test_a_damaged_manifest_keeps_nobody_from_reading(folder, text):
    (folder / "sh.manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert count("sh") == 9
    verification = verify_records("sh")
    assert verification.num_records == 9
    (error,) = verification.damage
    assert error.path == "sh.manifest.json"
    assert str(error).startswith("sh.manifest.json: ")


@pytest.mark.parametrize("shards", ["[3]", "3", '[{"file": "d.rec"}]', "null"])
def test_a_list_of_shards_that_is_none(folder, shards):
    manifest = json.loads((folder / "d.manifest.json").read_text("utf-8"))
    manifest["shards"] = json.loads(shards)
    (folder / "d.manifest.json").write_text(json.dumps(manifest))
    assert count("d") == 9
    (error,) = verify_records("d").damage
    assert str(error).startswith("d.manifest.json: shards")


@pytest.mark.parametrize("prefix", ["d", "d.rec", "sh", "sh-00001", "sh-00001.rec"])
def test_checksums_are_compared_whatever_the_prefix_is_called(folder, prefix):
    assert verify_records(prefix).damage == ()
    for name in ("d", "sh"):
        text = (folder / f"{name}.manifest.json").read_text("utf-8")
        manifest = json.loads(text)
        for shard in manifest["shards"]:
            shard["sha256"] = "0" * 64
        (folder / f"{name}.manifest.json").write_text(json.dumps(manifest))
    damage = verify_records(prefix).damage
    assert {error.reason for error in damage} == {"its SHA-256 is not the one in the manifest."}
