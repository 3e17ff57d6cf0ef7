"""The whole path, table -> records -> batches -> Module -> metrics: laws 3, 4, 5, 6 and 8."""

import csv

import mxmtl
from tests import _cases, _oracles
from tests.nets import _run

import cv2
import mxnet as mx
import numpy as np
import pytest

ROWS = 23  # a prime: no batch size divides it


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Labels of 23 rows, a half missing, one task unlabelled, and the records made of them."""
    folder, rng = tmp_path_factory.mktemp("path"), np.random.RandomState(7)
    tasks = _cases.task_set()
    labels = [_cases.random_label(task, ROWS, 0.5, rng) for task in tasks]
    labels[2][:] = tasks[2].missing
    label = np.concatenate(labels, axis=1)
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["path", *tasks.columns])
        writer.writeheader()
        for index in range(ROWS):
            picture = rng.randint(0, 256, (4, 4, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / f"{index}.png"), picture)
            writer.writerow({"path": f"{index}.png", **tasks.decode(label[index])})
    mxmtl.write_records(folder / "t.csv", images=folder, prefix=folder / "t", tasks=tasks)
    return folder / "t", tasks, label


def _records(table, batch_size, **options):
    return mxmtl.RecordIter(table[0], batch_size, (3, 4, 4), std=255, **options)


def _module(tasks, contexts=1, params=None):
    symbol = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    context = [mx.cpu(index) for index in range(contexts)]
    return mx.mod.Module(symbol, label_names=tasks.label_names, context=context)


def _params(tasks):
    return _run.random_params(tasks, 48, np.random.RandomState(0))


def _as_nd(params):
    return {name: mx.nd.array(value) for name, value in params.items()}


def _fit(table, batch_size, contexts=1, epochs=2, metric=None):
    tasks, module = table[1], _module(table[1], contexts)
    records = _records(table, batch_size)
    module.fit(
        records,
        eval_metric=metric or mx.metric.CompositeEvalMetric([]),
        num_epoch=epochs,
        optimizer="sgd",
        optimizer_params=[("learning_rate", 0.1)],
        arg_params=_as_nd(_params(tasks)),
    )
    records.close()
    return {name: value.asnumpy() for name, value in module.get_params()[0].items()}


def _expected(table, batch_size, epochs=2):
    """The same SGD in float64 NumPy, from the table's own labels."""
    _, tasks, label = table
    records = _records(table, ROWS)
    data = next(records).data[0].asnumpy()
    records.close()
    params = {name: value.astype(np.float64) for name, value in _params(tasks).items()}
    for _ in range(epochs):
        for begin in range(0, ROWS, batch_size):
            rows = slice(begin, begin + batch_size)
            gradients = _run.by_oracle(tasks, params, data[rows], label[rows])
            for name in params:
                params[name] = params[name] - 0.1 * gradients[name] / batch_size
    return params


def test_records_give_back_every_label_bit_for_bit(table):
    _, tasks, label = table
    records = _records(table, 5)
    for _ in range(3):
        rows = []
        for batch in records:
            assert [tuple(array.shape) for array in batch.label] == [
                task.label_shape(5) for task in tasks
            ]
            parts = [array.asnumpy().reshape(5, -1) for array in batch.label]
            rows.append(np.concatenate(parts, axis=1)[: 5 - batch.pad])
        assert np.concatenate(rows).tobytes() == label.tobytes()
        records.reset()
    records.close()


@pytest.mark.parametrize("contexts", [1, 2])
@pytest.mark.parametrize("batch_size", [4, 8, 23, 40])
def test_module_fit_makes_the_steps_of_the_oracle(table, batch_size, contexts):
    trained, expected = _fit(table, batch_size, contexts), _expected(table, batch_size)
    for name, value in expected.items():
        np.testing.assert_allclose(trained[name], value, rtol=2e-4, atol=2e-5, err_msg=name)
    idle = table[1][2].name
    np.testing.assert_array_equal(trained[f"{idle}_weight"], _params(table[1])[f"{idle}_weight"])


@pytest.mark.parametrize("contexts", [1, 2])
@pytest.mark.parametrize("batch_size", [4, 40])
def test_labels_counted_are_the_labels_of_the_table(table, batch_size, contexts):
    _, tasks, label = table
    counts = {
        f"{task.name}/num_labels": sum(
            not _oracles.is_missing(task, value) for value in label[:, part].ravel()
        )
        for task, part in zip(tasks, tasks.slices)
    }
    module, records = _module(tasks, contexts), _records(table, batch_size)
    module.bind(records.provide_data, records.provide_label)
    module.init_params(mx.init.Xavier())
    for metric in (tasks.metrics(), mx.metric.CompositeEvalMetric(tasks.metrics().metrics)):
        # With Speedometer, which resets local values, and without.
        for callback in (None, mx.callback.Speedometer(batch_size, frequent=1)):
            module.score(records, metric, batch_end_callback=callback)
            counted = dict(metric.get_global_name_value())
            assert {name: counted[name] for name in counts} == counts
    outputs = module.predict(records, always_output_list=True)
    assert [output.shape for output in outputs] == [(ROWS, task.num_outputs) for task in tasks]
    records.close()


def test_tasks_are_bound_by_name_whatever_the_order(tmp_path, table):
    # Names that sort backwards, labels that tell the tasks apart, and a predictor that is right.
    names = ["zebra", "yak", "ant"]
    tasks = mxmtl.TaskSet([mxmtl.Multiclass(name, ["a", "b", "c", "d"]) for name in names])
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", *names])
        writer.writerows([[f"{i}.png", *"abd"] for i in range(6)])
    folder = table[0].parent
    mxmtl.write_records(tmp_path / "t.csv", images=folder, prefix=tmp_path / "t", tasks=tasks)
    records = mxmtl.RecordIter(tmp_path / "t", 4, (3, 4, 4))
    module = _module(tasks)
    module.bind(records.provide_data, records.provide_label, for_training=False)
    params = {name: 0 * value for name, value in _params(tasks).items()}
    for name, answer in zip(names, (0, 1, 3)):
        params[f"{name}_bias"][answer] = 9
    module.init_params(arg_params=_as_nd(params))
    values = dict(module.score(records, tasks.metrics()))
    assert [values[f"{name}/accuracy"] for name in names] == [1.0, 1.0, 1.0]
    records.close()
