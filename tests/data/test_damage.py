"""Damaged records: named or skipped, batches full, and nothing hangs."""

import logging
import os
import threading

import mxmtl
from mxmtl import augment

import mxnet as mx
import numpy as np
import pytest

from ._records import encoded, picture, random_labels, same, whole_label, write

SHAPE = (3, 4, 4)


def pack_plain(label, record_id, payload):
    """A record as MXNet packs it, without checksum."""
    return mx.recordio.pack(mx.recordio.IRHeader(0, label, record_id, 0), payload)


def damaged(tmp_path, bad, rows=20):
    """A file in which the payloads of some rows are no images; checksums are right."""
    labels = random_labels(rows)

    def image(row):
        return b"no image" if row in bad else encoded(picture(row, 8, 8))

    return write(tmp_path / "a", labels, image), labels


def test_raise_names_the_record_and_goes_on_after_it(tmp_path):
    prefix, _ = damaged(tmp_path, bad={6})
    with mxmtl.RecordIter(prefix, 5, SHAPE) as data:
        next(data)
        with pytest.raises(mxmtl.RecordError, match="a.rec, record 6, byte .*it does not decode"):
            next(data)
        assert next(data).index.tolist() == [10, 11, 12, 13, 14]


@pytest.mark.parametrize(("threads", "prefetch"), [(1, 0), (2, 3), (4, 1)])
def test_skip_keeps_batches_full(tmp_path, caplog, threads, prefetch):
    bad = {0, 6, 7, 18}
    prefix, labels = damaged(tmp_path, bad)
    good = [row for row in range(20) if row not in bad]
    options = {"on_error": "skip", "threads": threads, "prefetch": prefetch}
    with mxmtl.RecordIter(prefix, 5, SHAPE, **options) as data:
        for epoch in range(3):
            with caplog.at_level(logging.WARNING):
                caplog.clear()
                batches = list(data)
            assert [batch.pad for batch in batches] == [0, 0, 0, 4]
            index = [i for batch in batches for i in batch.index.tolist() if i >= 0]
            assert index == good
            assert same(np.concatenate([whole_label(b) for b in batches]), labels[good])
            assert data.skipped == 4
            assert f"epoch {epoch}: 4 damaged records were skipped" in caplog.text
            named = [line for line in caplog.messages if line.startswith("skipped: ")]
            assert len(named) == (4 if epoch == 0 else 0)  # each is named once
            data.reset()
            assert data.skipped == 0


def test_skipping_moves_no_image_to_another_label(tmp_path):
    prefix, _ = damaged(tmp_path, bad={1, 3, 9})
    with mxmtl.RecordIter(prefix, 6, (3, 8, 8), shuffle=True, on_error="skip") as data:
        for batch in data:
            images = batch.data[0].asnumpy()
            for record, image in zip(batch.index.tolist(), images[: 6 - batch.pad]):
                np.testing.assert_array_equal(image.transpose(1, 2, 0), picture(record, 8, 8))


def test_skip_and_parts_keep_equal_batch_counts(tmp_path):
    prefix, _ = damaged(tmp_path, bad={0, 2, 4, 6, 8, 10, 12, 14})
    counts, found = [], []
    for part in range(2):
        options = {"num_parts": 2, "part_index": part, "on_error": "skip"}
        with mxmtl.RecordIter(prefix, 4, SHAPE, **options) as data:
            batches = list(data)
            counts.append(len(batches))
            found += [i for batch in batches for i in batch.index.tolist() if i >= 0]
            for batch in batches:
                assert whole_label(batch).shape[0] == 4 - batch.pad
    assert counts == [3, 3]
    assert sorted(found) == [row for row in range(20) if row % 2 or row > 14]


def test_skip_and_discard_give_full_batches_only(tmp_path):
    prefix, _ = damaged(tmp_path, bad={0, 2})
    with mxmtl.RecordIter(prefix, 5, SHAPE, on_error="skip", last_batch="discard") as data:
        assert [batch.pad for batch in data] == [0, 0, 0]


def test_a_state_after_skipping(tmp_path):
    prefix, _ = damaged(tmp_path, bad={0, 7, 19})
    options = {"on_error": "skip", "shuffle": True, "seed": 4}
    with mxmtl.RecordIter(prefix, 3, SHAPE, **options) as data:
        next(data), next(data)
        state = data.state_dict()
        rest = [batch.index.tolist() for batch in data]
        assert data.skipped == 3
    with mxmtl.RecordIter(prefix, 3, SHAPE, **options) as data:
        data.load_state_dict(state)
        assert [batch.index.tolist() for batch in data] == rest
        assert data.skipped == 3


def test_nothing_but_damage_is_an_error_even_when_skipping(tmp_path):
    prefix, _ = damaged(tmp_path, bad=set(range(20)))
    data = mxmtl.RecordIter(prefix, 5, SHAPE, on_error="skip")
    with data, pytest.raises(mxmtl.RecordError, match="none of 20 records can be read"):
        next(data)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_a_truncated_image_is_noticed_without_checksum(tmp_path, ending):
    whole = encoded(picture(3, 64, 64), ending)
    write(
        tmp_path / "a",
        random_labels(2),
        lambda row: whole[: len(whole) * 2 // 3] if row else whole,
        pack=pack_plain,
    )
    with mxmtl.RecordIter(tmp_path / "a", 1, SHAPE) as data:
        next(data)
        with pytest.raises(mxmtl.RecordError, match="record 1"):
            next(data)


def test_a_head_that_promises_too_many_pixels(tmp_path):
    image = bytearray(encoded(picture(3, 8, 8), ".jpg"))
    frame = image.index(b"\xff\xc0")
    image[frame + 5 : frame + 9] = b"\x70\x00\x70\x00"
    write(tmp_path / "a", random_labels(1), lambda row: bytes(image))
    data = mxmtl.RecordIter(tmp_path / "a", 1, SHAPE)
    with data, pytest.raises(mxmtl.RecordError, match="cannot hold the 28672 x 28672 pixels"):
        next(data)


def test_a_record_of_another_width(tmp_path):
    labels = [np.float32([1, 2, 0, 1]), np.float32([1, 2, 0])]
    write(tmp_path / "a", labels)
    with mxmtl.RecordIter(tmp_path / "a", 1, SHAPE) as data:
        next(data)
        with pytest.raises(mxmtl.RecordError, match="3 labels, and the tasks take 4"):
            next(data)


def test_a_broken_first_record_does_not_keep_a_file_from_opening(tmp_path):
    prefix, _ = damaged(tmp_path, bad=set())
    content = bytearray((tmp_path / "a.rec").read_bytes())
    content[8:12] = b"\xff\xff\xff\0"  # a flag of 16,777,215 labels
    (tmp_path / "a.rec").write_bytes(content)
    with mxmtl.RecordIter(prefix, 20, SHAPE, on_error="skip") as data:
        assert next(data).pad == 1


def test_errors_of_own_functions_reach_the_caller(tmp_path):
    prefix, _ = damaged(tmp_path, bad=set())

    def fails(image, label, rng):
        raise ZeroDivisionError("mine")

    for on_error in ("raise", "skip"):
        steps = [augment.Apply(fails)]
        data = mxmtl.RecordIter(prefix, 4, SHAPE, augment=steps, on_error=on_error)
        with data, pytest.raises(ZeroDivisionError, match="mine"):
            next(data)


def test_the_first_error_of_a_batch_is_raised_whichever_thread_was_faster(tmp_path):
    prefix, _ = damaged(tmp_path, bad=set())
    barrier = threading.Barrier(2, timeout=30)

    def fails(image, label, rng):
        raise ValueError(f"label {label[1]}, of arrival {barrier.wait()}")

    with mxmtl.RecordIter(prefix, 20, SHAPE, augment=[augment.Apply(fails)], threads=2) as data:
        expected = data._reader.read(0).label[1]
        with pytest.raises(ValueError, match=f"label {expected}, of"):
            next(data)


def decoding_threads():
    return [t for t in threading.enumerate() if t.name.startswith("mxmtl-decode")]


def test_no_thread_outlives_close_or_the_iterator(tmp_path):
    prefix, _ = damaged(tmp_path, bad=set())
    with mxmtl.RecordIter(prefix, 4, SHAPE, threads=3) as data:
        next(data)
        assert decoding_threads()
    assert not decoding_threads()
    with pytest.raises(ValueError, match="this RecordIter was closed"):
        next(data)
    data.close()
    data = mxmtl.RecordIter(prefix, 4, SHAPE, threads=3)
    next(data)
    threads = decoding_threads()
    del data  # the garbage collector waits for no thread, but they end
    for thread in threads:
        thread.join(30)
    assert not decoding_threads()


def test_a_forked_process_is_told(tmp_path):
    prefix, _ = damaged(tmp_path, bad=set())
    with mxmtl.RecordIter(prefix, 4, SHAPE) as data:
        next(data)
        child = os.fork()
        if child == 0:
            try:
                next(data)
            except RuntimeError as error:
                os._exit(0 if "made in another process" in str(error) else 1)
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
