"""Stock iterators whose pad rows have no labels: Module.fit and score count each row once."""

import mxmtl
from mxmtl import metrics

import cv2
import mxnet as mx
import numpy as np
import pytest

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("zoo", classes=["a", "b", "c"]),
        mxmtl.Multilabel("toys", labels=["ball", "rope"]),
        mxmtl.Regression("age"),
    ]
)
ROWS = 11


def labels(seed=0):
    r = np.random.RandomState(seed)
    found = {
        "zoo_label": r.randint(-1, 3, ROWS),
        "toys_label": r.randint(-1, 2, (ROWS, 2)),
        "age_label": np.where(r.rand(ROWS) < 0.3, np.nan, 20 + r.rand(ROWS)),
    }
    return {name: label.astype(np.float32) for name, label in found.items()}


def images(seed=1):
    return np.random.RandomState(seed).rand(ROWS, 6).astype(np.float32)


def stock(batch_size=4, **options):
    return mx.io.NDArrayIter(images(), labels(), batch_size, **options)


def counted(tasks=TASKS):
    return metrics.Suite(tasks, [metrics.NumLabels(task) for task in tasks])


def numbers():
    known = [~np.isnan(label) & (label != -1) for label in labels().values()]
    return [int(each.sum()) for each in known]


def as_read(batches, suite=None):
    """Update a suite with an epoch, as Module.score does, and return the values."""
    suite = suite or counted()
    suite.reset()
    names = [each.name for each in batches.provide_label]
    for batch in batches:
        outputs = [
            mx.nd.ones((batches.batch_size, task.num_outputs)) / task.num_outputs for task in TASKS
        ]
        suite.update_dict(dict(zip(names, batch.label)), dict(zip(TASKS.output_names, outputs)))
    return [value for _, value in suite.get_global_name_value()]


def module():
    symbol = mxmtl.training_symbol(mx.sym.var("data"), TASKS)
    return mx.mod.Module(symbol, label_names=TASKS.label_names)


@pytest.mark.parametrize("batch_size", [4, 11, 16, 25])  # 25: all rows are repeated in one batch
def test_fit_and_score_count_each_label_once(batch_size):
    batches = mxmtl.IgnorePadIter(stock(batch_size), TASKS)
    net, seen, train = module(), [], counted()

    def note(parameters):
        seen.append([value for _, value in parameters.eval_metric.get_global_name_value()])

    wrapped = mxmtl.IgnorePadIter(stock(batch_size), TASKS)
    net.fit(
        batches, wrapped, eval_metric=train, validation_metric=counted(), num_epoch=2,
        eval_end_callback=note,
    )  # fmt: skip
    assert [value for _, value in train.get_global_name_value()] == numbers()
    assert seen == [numbers(), numbers()]
    metric = metrics.Suite(TASKS, [metrics.MAE(TASKS["age"]), *counted().metrics])
    found = [value for _, value in net.score(wrapped, metric)]
    assert found[1:] == numbers()
    predicted = net.predict(wrapped)[TASKS.names.index("age")].asnumpy()
    assert len(predicted) == ROWS  # batch.pad is what predict goes by
    age = labels()["age_label"]
    assert found[0] == pytest.approx(np.nanmean(np.abs(predicted[:, 0] - age)), rel=1e-5)


def test_the_stock_iterator_alone_counts_some_twice():
    assert as_read(stock()) != numbers()


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_epoch_and_the_other_iterators_arrays_stay_as_they_are(shuffle):
    inner = stock(shuffle=shuffle)
    batches = mxmtl.IgnorePadIter(inner, TASKS)
    for _ in range(3):
        assert as_read(batches) == numbers()
        batches.reset()
    held = {name: array.asnumpy() for name, array in inner.label}
    assert sorted(held["zoo_label"]) == sorted(labels()["zoo_label"])
    assert [d.name for d in batches.provide_label] == ["age_label", "toys_label", "zoo_label"]
    assert batches.provide_data[0].shape == (4, 6)


def test_full_batches_are_passed_on_and_data_are_what_they_were():
    batches, plain = mxmtl.IgnorePadIter(stock(), TASKS), stock()
    batch = batches.next()
    assert batch.label[0].asnumpy().tolist() == plain.next().label[0].asnumpy().tolist()
    batches.reset()
    while batches.iter_next():
        assert batches.getdata()[0].shape == (4, 6)
        last = batches.getpad(), [label.asnumpy() for label in batches.getlabel()]
    assert last[0] == 1
    for label, task in zip(last[1], [TASKS["age"], TASKS["toys"], TASKS["zoo"]]):
        np.testing.assert_array_equal(label[-1], np.full(label.shape[1:], task.padding))


@pytest.mark.filterwarnings("ignore:setDaemon")  # MXNet's
@pytest.mark.parametrize(
    "wrap",
    [
        lambda: mx.io.ResizeIter(mxmtl.IgnorePadIter(stock(), TASKS), 3),
        lambda: mxmtl.IgnorePadIter(mx.io.ResizeIter(stock(), 3), TASKS),
        lambda: mxmtl.IgnorePadIter(mx.io.PrefetchingIter(stock()), TASKS),
    ],
    ids=["resized", "resizing", "prefetching"],
)
def test_iterators_of_iterators(wrap):
    batches = wrap()
    for _ in range(2):
        assert as_read(batches) == numbers()
        batches.reset()


def test_rows_that_roll_over_are_no_pad():
    alone, batches = (
        each for each in (stock(last_batch_handle="roll_over"),
                          mxmtl.IgnorePadIter(stock(last_batch_handle="roll_over"), TASKS))
    )  # fmt: skip
    for _ in range(3):
        assert as_read(batches) == as_read(alone)
        batches.reset(), alone.reset()


def test_a_task_that_fills_missing_labels_has_its_own_mark():
    toys = mxmtl.Multilabel("toys", labels=["ball", "rope"], missing_as=mxmtl.losses.Negative())
    tasks = mxmtl.TaskSet([toys])
    batches = mxmtl.IgnorePadIter(stock(), tasks)  # labels of no task stay
    *_, batch = batches
    assert batch.label[1].asnumpy()[-1].tolist() == [toys.padding] * 2
    assert toys.padding != toys.missing
    assert batch.label[2].asnumpy()[-1] == labels()["zoo_label"][0]


@pytest.mark.parametrize("name", ["softmax_label", "anything"])
def test_records_of_all_labels_side_by_side(tmp_path, name):
    prefix = str(tmp_path / "r")
    rows = np.concatenate([labels()[each].reshape(ROWS, -1) for each in TASKS.label_names], axis=1)
    record = mx.recordio.MXIndexedRecordIO(f"{prefix}.idx", f"{prefix}.rec", "w")
    picture = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    for index, row in enumerate(rows):
        record.write_idx(index, mx.recordio.pack(mx.recordio.IRHeader(0, row, index, 0), picture))
    record.close()
    inner = mx.io.ImageRecordIter(
        path_imgrec=f"{prefix}.rec", data_shape=(3, 4, 4), batch_size=4, label_width=4,
        label_name=name, preprocess_threads=1, verbose=False,
    )  # fmt: skip
    batches = mxmtl.IgnorePadIter(inner, TASKS)
    found = np.concatenate([batch.label[0].asnumpy() for batch in batches])
    np.testing.assert_array_equal(found, np.concatenate([rows, [TASKS.padding_label]]))
    with pytest.warns(UserWarning, match="out of the next epoch. mxmtl.RecordIter reads the same"):
        batches.reset()
    found = np.concatenate([batch.label[0].asnumpy() for batch in batches])
    wanted = np.concatenate([rows[1:], np.tile(TASKS.padding_label, (2, 1))])
    np.testing.assert_array_equal(found, wanted)  # and that is what the warning says
    batches.reset()


def test_what_has_no_such_labels_is_refused():
    wrong = mx.io.NDArrayIter(images(), {"zoo_lable": labels()["zoo_label"]}, 4)
    with pytest.raises(ValueError, match=r"no label 'zoo_label' but \['zoo_lable'\] \(did you m"):
        mxmtl.IgnorePadIter(wrong, TASKS)
    with pytest.raises(ValueError, match=r"no label 'zoo_label' but \[\]\. Give labels by name"):
        mxmtl.IgnorePadIter(mx.io.NDArrayIter(images(), batch_size=4), TASKS)


@pytest.mark.parametrize(("name", "dtype"), [("age_label", "int32"), ("zoo_label", "uint8")])
def test_labels_of_a_type_without_missing_ones_are_refused(name, dtype):
    given = {**labels(), name: mx.nd.zeros(ROWS, dtype=dtype)}
    with pytest.raises(ValueError, match=f"'{name}' is of type {dtype}, which has no"):
        mxmtl.IgnorePadIter(mx.io.NDArrayIter(images(), given, 4), TASKS)


def test_nothing_waits_for_the_network(monkeypatch):
    batches = mxmtl.IgnorePadIter(stock(), TASKS)

    def waits(self):
        raise AssertionError("asnumpy waits for all that was to be computed before")

    monkeypatch.setattr(mx.nd.NDArray, "asnumpy", waits)
    assert sum(batch.pad for batch in batches) == 1
