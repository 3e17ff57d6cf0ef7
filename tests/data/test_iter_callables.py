"""A user's code among the threads: what it returns, what it raises, who calls, who interrupts."""

import concurrent.futures
import json
import subprocess
import sys
import textwrap

import mxmtl
from mxmtl import augment
from mxmtl.data.loading import BatchJob

import numpy as np
import pytest

from ._records import TASKS, encoded, picture, random_labels, write

SHAPE = (3, 4, 4)
ROWS = 23


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    path = tmp_path_factory.mktemp("callables") / "a"
    return write(path, random_labels(ROWS), lambda row: encoded(picture(row)))


def calling(function):
    return [augment.CenterCrop(), augment.Apply(function)]


def mirrored(relabel):
    return [augment.RandomMirror(1.0, relabel_mirrored=relabel)]


def opened(kind, prefix, steps):
    if kind == "dataset":
        return iter(mxmtl.RecordDataset(prefix, SHAPE, augment=steps))
    return mxmtl.RecordIter(prefix, 8, SHAPE, augment=steps)


@pytest.mark.parametrize("kind", ["iter", "dataset"])
def test_stop_iteration_in_an_augmentation_does_not_end_the_epoch(prefix, kind):
    def exhausted(image, label, rng):
        return next(iter(()))

    with pytest.raises(RuntimeError, match=r"a\.rec, record 0.*: an augmentation raised StopIter"):
        next(opened(kind, prefix, calling(exhausted)))


@pytest.mark.parametrize("kind", ["iter", "dataset"])
@pytest.mark.parametrize(
    ("relabel", "message"),
    [
        (lambda label: label[:1], r"RandomMirror.* returned as label float32 \(1,\); expected fl"),
        (lambda label: [1, 2, 0, 0], r"returned as label <class 'list'> ; expected float32 \(4,\)"),
        (lambda label: label.astype(int), r"returned as label int64 \(4,\); expected float32"),
        (
            lambda label: np.where(np.arange(4) == 0, np.float32(5), label),
            r"a\.rec, record 0.*: after augmentation 5 is no label of task 'breed'.* 0 to 2",
        ),
    ],
)
def test_what_a_mirror_makes_of_labels_is_checked(prefix, kind, relabel, message):
    with pytest.raises(ValueError, match=message):
        next(opened(kind, prefix, mirrored(relabel)))


@pytest.mark.parametrize("kind", ["iter", "dataset"])
def test_what_a_function_makes_of_labels_is_checked(prefix, kind):
    def changed(image, label, rng):
        return image, np.where(np.arange(4) == 2, np.float32(99), label)

    def in_place(image, label, rng):
        label[0] = 0
        return image, label

    with pytest.raises(ValueError, match=r"record 0.* 99 is no label of task 'toys' \(toys\.ball"):
        next(opened(kind, prefix, calling(changed)))
    with pytest.raises(ValueError, match="read-only"):
        next(opened(kind, prefix, calling(in_place)))


def test_threads_that_take_batches_at_the_same_time_get_each_row_once(prefix):
    def rows(data):
        return [int(batch.index[0]) for batch in iter(data.next, None)]

    with concurrent.futures.ThreadPoolExecutor(6) as takers:
        for _ in range(5):
            with mxmtl.RecordIter(prefix, 1, SHAPE, threads=2) as data:
                taken = [takers.submit(rows, data) for _ in range(6)]
                found = [row for each in taken for row in each.result()]
            assert sorted(found) == list(range(ROWS))


def rows_left(data):
    return np.concatenate([batch.index[: 8 - batch.pad] for batch in data]).tolist()


def test_after_an_error_of_the_users_code_the_same_batch_comes_again(prefix):
    failed = []

    def once(image, label, rng):
        if not failed:
            failed.append(1)
            raise OSError("once")
        return image, label

    with mxmtl.RecordIter(prefix, 8, SHAPE, augment=calling(once), threads=1) as data:
        before = data.state_dict()
        with pytest.raises(OSError, match="once"):
            data.next()
        assert data.state_dict() == before
        assert rows_left(data) == list(range(ROWS))


def test_after_ctrl_c_the_same_batch_comes_again(prefix, monkeypatch):
    def interrupted(job):
        monkeypatch.undo()
        raise KeyboardInterrupt

    with mxmtl.RecordIter(prefix, 8, SHAPE) as data:
        first = data.next().index.tolist()
        before = data.state_dict()
        monkeypatch.setattr(BatchJob, "wait", interrupted)  # where the main thread spends its time
        with pytest.raises(KeyboardInterrupt):
            data.next()
        assert data.state_dict() == before
        assert first + rows_left(data) == list(range(ROWS))


def test_a_program_ends_though_its_iterator_is_collected_in_a_decoding_thread(prefix):
    script = f"""
        import gc, threading, time
        import mxmtl
        from mxmtl import augment

        begun = threading.Event()

        def collect(image, label, rng):
            begun.set()
            time.sleep(0.05)
            gc.collect()
            return image, label

        class Trainer:
            def __init__(self):
                self.hooks = [self.step]  # an ordinary cycle
                steps = [augment.CenterCrop(), augment.Apply(collect)]
                options = {{"augment": steps, "threads": 1, "prefetch": 8}}
                self.data = mxmtl.RecordIter({prefix!r}, 2, {SHAPE}, **options)

            def step(self):
                pass

        gc.disable()
        trainer = Trainer()
        next(trainer.data)
        begun.clear()
        begun.wait()
        trainer = None  # dies in the thread, which collects
        for thread in threading.enumerate():
            if "decode" in thread.name:
                thread.join(30)
        print([t.name for t in threading.enumerate() if "decode" in t.name], "end")
        """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["[]", "end"], done.stdout


def test_an_epoch_that_is_set_does_not_depend_on_what_was_read_before(prefix):
    def images(data):
        return [image.asnumpy() for image, _ in (data[row] for row in range(ROWS))]

    options = {"augment": augment.training(), "seed": 3}
    plain = mxmtl.RecordDataset(prefix, SHAPE, **options)
    epochs = [images(plain), images(plain)]
    broken_off = mxmtl.RecordDataset(prefix, SHAPE, **options)
    broken_off[0], broken_off[1]
    for epoch in (1, 0, 1):
        broken_off.set_epoch(epoch)
        np.testing.assert_array_equal(images(broken_off), epochs[epoch])
        broken_off[5]  # a worker that is ahead
        np.testing.assert_array_equal(images(broken_off), epochs[epoch])
    with pytest.raises(ValueError, match=r"epoch=-1: expected 0 or more"):
        broken_off.set_epoch(-1)
    with pytest.raises(TypeError, match=r"epoch=1\.5: expected a whole number"):
        broken_off.set_epoch(1.5)
    broken_off.set_epoch(np.int64(1))
    np.testing.assert_array_equal(images(broken_off), epochs[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 4}, "batch=4 is not in 0 to 3"),
        ({"batch": -1}, "batch=-1 is not in"),
        ({"cursor": -3}, "cursor=-3 is not in 0 to 23"),
        ({"cursor": 24}, "cursor=24 is not in"),
        ({"cursor": "3"}, "cursor='3' is not in"),
        ({"epoch": -1}, "epoch=-1 is not in"),
        ({"skipped": None}, "skipped=None is not in"),
    ],
)
def test_a_state_that_cannot_be_is_refused(prefix, change, message):
    with mxmtl.RecordIter(prefix, 8, SHAPE) as data:
        state = {**data.state_dict(), **change}
        with pytest.raises(ValueError, match=message):
            data.load_state_dict(state)
        assert next(data).index.tolist() == list(range(8))
        with pytest.raises(ValueError, match=r"no state of a RecordIter.*'batch'"):
            data.load_state_dict({"epoch": 0})


def test_a_state_of_numpys_numbers_is_json(prefix):
    options = {"num_parts": np.int64(2), "part_index": np.int8(1), "shuffle": np.bool_(True)}
    with mxmtl.RecordIter(prefix, np.int32(4), SHAPE, **options) as data:
        state = json.loads(json.dumps(data.state_dict()))
        data.load_state_dict(state)
        assert TASKS.label_names == [one.name for one in data.provide_label]
