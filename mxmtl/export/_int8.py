"""A network whose convolutions and heads compute in 8 bits."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any, List

import mxnet as mx
import numpy as np

from ..data import RecordIter
from ..data.records import Prefixes
from ..model import Model
from ..nets import logits_name, logits_symbol

BACKEND = "MKLDNN_QUANTIZE"
IMAGES = 320  # to calibrate on
BATCH = 32


def quantize(model: Model, records: Prefixes, *, images: int = IMAGES, **options: Any) -> Model:
    """Return the same model in 8 bits, for `Predictor`, `evaluate` and `Network` on the CPU.

    The range of each layer's values is taken from images of the training or validation records
    ("naive" calibration: their smallest and largest). Predictions change a little, so `evaluate`
    both; docs/benchmarks/prediction.md has what was measured. It pays for large networks, and
    for batches.

    Parameters
    ----------
    model : Model
        From `load_model`.
    records : str or sequence of str
        Prefixes of records; labels do not matter.
    images : int
        How many of them to look at.
    **options
        More for `mxmtl.RecordIter`.

    Raises
    ------
    ValueError
        If the network has an operator that MXNet cannot quantize, which is named; or if it
        computes in 8 bits already.
    """
    from mxnet.contrib.quantization import quantize_model

    if images < 1:
        raise ValueError(f"images={images}: expected 1 or more to calibrate on.")
    if any("quantize" in node["op"] for node in json.loads(model.symbol.tojson())["nodes"]):
        # MXNet would end the process.
        raise ValueError(f"{model.name} computes in 8 bits already: quantize the model it is of.")
    tasks = model.tasks
    seen: List[np.ndarray] = []
    reading = {**model.file.preprocessing.options(), **options}
    with RecordIter(records, BATCH, **reading) as batches:
        for batch in batches:
            seen.append(batch.data[0].asnumpy()[: BATCH - batch.pad])
            if sum(map(len, seen)) >= images:
                break
    data = np.concatenate(seen)[:images]
    quiet = logging.getLogger("mxmtl.quantize")
    quiet.propagate, quiet.level = False, logging.ERROR
    try:
        symbol, args, auxs = quantize_model(
            sym=logits_symbol(model.symbol, tasks).get_backend_symbol(BACKEND),
            arg_params=model.params[0],
            aux_params=model.params[1],
            data_names=("data",),
            label_names=None,
            ctx=mx.cpu(),
            calib_mode="naive",
            calib_data=mx.io.NDArrayIter(data, batch_size=min(BATCH, len(data))),
            num_calib_examples=len(data),
            quantized_dtype="auto",
            logger=quiet,
        )
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{model.name} cannot be quantized: {reason}") from error
    logits = symbol.get_backend_symbol(BACKEND)
    named = (
        mx.sym.identity(logits[index], name=logits_name(task.name)[: -len("_output")])
        for index, task in enumerate(tasks)
    )
    outputs = [task.activate(mx.sym, part, name=task.name) for task, part in zip(tasks, named)]
    name = f"{model.name} in 8 bits"
    return replace(model, symbol=mx.sym.Group(outputs), params=(args, auxs), name=name)
