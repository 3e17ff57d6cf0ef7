"""A training step on one device and on two, which has to be the same."""

import mxmtl

import mxnet as mx
import numpy as np


def assert_same_step(
    tasks: mxmtl.TaskSet, data: np.ndarray, label: np.ndarray, rate: float
) -> None:
    """Make the step with all rows on one device, and with half of them on each of two."""
    symbol = mxmtl.training_symbol(mx.sym.var("data"), tasks)
    start, after, rows = None, [], len(data)
    for contexts in ([mx.cpu(0)], [mx.cpu(0), mx.cpu(1)]):
        module = mx.mod.Module(symbol, label_names=tasks.label_names, context=contexts)
        module.bind([("data", data.shape)], [(t.label_name, t.label_shape(rows)) for t in tasks])
        module.init_params(mx.init.Normal(0.5), arg_params=start, allow_missing=start is None)
        start = start or {k: v.copy() for k, v in module.get_params()[0].items()}
        module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": rate})
        batch = mx.io.DataBatch([mx.nd.array(data)], tasks.split(mx.nd.array(label)))
        module.forward_backward(batch)
        module.update()
        after.append({k: v.asnumpy() for k, v in module.get_params()[0].items()})
    for name, one in after[0].items():
        assert np.abs(one - start[name].asnumpy()).max() > 0, name
        np.testing.assert_allclose(after[1][name], one, rtol=1e-5, atol=1e-6, err_msg=name)
