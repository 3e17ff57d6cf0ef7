"""A network that is bound to a device: prepared images in, logits or predictions out."""

from __future__ import annotations

import collections
import logging
import math
import threading
from typing import Any, Protocol

import mxnet as mx
import numpy as np

from .._files import PathLike
from .._foreign import mxnet_reads
from ..data.loading import Normalize
from ..nets import logits_symbol
from ..tasks import TaskSet
from ._checkpoint import Arrays
from ._model_file import ModelFile
from ._saved import Model, RunFolder

log = logging.getLogger("mxmtl")
MOST_VALUES = 1 << 28  # of an image in one array: a GiB
KEPT = 8  # shapes for which the network stays bound


class Network:
    """The logits of batches of images that `Preprocessing` has made ready.

    It is bound once for each shape of a batch, without labels and gradients. Threads may share
    it: they take turns.

    Parameters
    ----------
    symbol : Symbol
        A training or prediction symbol; `Run.load` returns it together with the parameters.
    params : (dict, dict)
        Arguments and auxiliary states.
    tasks : TaskSet
        What the outputs mean.
    ctx : mx.Context, optional
        Where to compute; the CPU by default.

    Raises
    ------
    ValueError
        If parameters are missing; from `logits` if the network does not take such images.
    """

    def __init__(
        self,
        symbol: mx.sym.Symbol,
        params: tuple[Arrays, Arrays],
        tasks: TaskSet,
        *,
        ctx: mx.Context | None = None,
    ) -> None:
        self.tasks, self.ctx = tasks, ctx or mx.cpu()
        self._symbol = logits_symbol(symbol, tasks)
        arguments, states = self._symbol.list_arguments(), self._symbol.list_auxiliary_states()
        self._args, self._auxs = (
            {name: array.as_in_context(self.ctx) for name, array in part.items() if name in wanted}
            for part, wanted in zip(params, (arguments, states))
        )
        missing = sorted({*arguments, *states} - {"data", *self._args, *self._auxs})
        if missing:
            raise ValueError(
                f"the parameters lack {missing[:3]}, which the network of these tasks needs. Do "
                "symbol, parameters and tasks belong together?"
            )
        self._executors: collections.OrderedDict[tuple[int, ...], Any] = collections.OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def of(
        cls,
        run: RunFolder | PathLike,
        *,
        which: str = "best",
        ctx: mx.Context | None = None,
    ) -> Network:
        """Load the ``"best"`` or the ``"last"`` checkpoint of a run or run folder."""
        run = run if isinstance(run, RunFolder) else RunFolder(run)
        symbol, args, auxs = run.load(which)
        return cls(symbol, (args, auxs), run.tasks, ctx=ctx)

    @classmethod
    def of_model(cls, model: Model, *, ctx: mx.Context | None = None) -> Network:
        """Make the network of what `load_model` returned; one in 8 bits stays on the CPU."""
        if ctx is not None and ctx.device_type != "cpu" and model.in_8_bits:
            log.warning("%s computes in 8 bits, which MXNet does on the CPU alone.", model.name)
            ctx = mx.cpu()
        return cls(model.symbol, model.params, model.tasks, ctx=ctx)

    def logits(self, images: Any) -> list[np.ndarray]:
        """Return logits, float32 (N, num_logits), one array a task in task order.

        ``images`` is an NDArray or ndarray (N, channels, height, width), float32.
        """
        with self._lock:  # MXNet's executors are not made for two threads at once
            executor, data = self._executor(tuple(images.shape))
            if isinstance(images, np.ndarray):
                # What `data[:] = images` comes down to after 0.2 ms of asking what it is.
                data._sync_copyfrom(images)
            else:
                data[:] = images
            return [output.asnumpy() for output in executor.forward(is_train=False)]

    def _check_widths(self, executor: Any) -> None:
        # A quantized symbol does not say how wide its heads are.
        theirs = [(t.name, part.shape[1:]) for t, part in zip(self.tasks, executor.outputs)]
        ours = [(task.name, (task.num_logits,)) for task in self.tasks]
        if theirs != ours:
            raise ValueError(f"the net has heads {theirs}, but the tasks want {ours}.")

    def _executor(self, shape: tuple[int, ...]) -> tuple[Any, mx.nd.NDArray]:
        if shape not in self._executors:
            check_sizes(self._symbol, shape)
            data = mx.nd.zeros(shape, self.ctx)
            with mxnet_reads(f"the network takes no images {shape}"):
                executor = self._symbol.bind(
                    self.ctx, {**self._args, "data": data}, grad_req="null", aux_states=self._auxs
                )
            self._check_widths(executor)
            self._executors[shape] = (executor, data)
            if len(self._executors) > KEPT:
                self._executors.popitem(last=False)
        self._executors.move_to_end(shape)
        return self._executors[shape]


def check_sizes(symbol: mx.sym.Symbol, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` for a network that makes more of an image than memory should hold."""
    try:
        _, made, _ = symbol.get_internals().infer_shape_partial(data=shape)
    except mx.MXNetError:
        return  # which binding says better
    largest = max(math.prod(one) for one in made if one is not None)
    if largest > MOST_VALUES * max(shape[0], 1):
        raise ValueError(
            f"the network makes {largest} values of {shape[0]} images {shape[1:]}; at most "
            f"{MOST_VALUES} of each are taken."
        )


class Backend(Protocol):
    """What computes the predictions of `Predictor`; safe to call from several threads.

    Attributes
    ----------
    file : ModelFile
        Tasks, preprocessing, thresholds.
    name : str
        Where the model came from.
    """

    file: ModelFile
    name: str

    def predict(self, crops: np.ndarray) -> list[np.ndarray]:
        """Turn pixels, uint8 (N, height, width, channels), into predictions, one array a task.

        They are float32 (N, num_outputs): probabilities, with the temperatures, or values.
        """


class MXNetBackend:
    """A network bound once for each power of two of images, up to ``batch_size``."""

    def __init__(self, model: Model, ctx: mx.Context, batch_size: int) -> None:
        self.file, self.name = model.file, model.name
        self._network, self._batch_size = Network.of_model(model, ctx=ctx), batch_size
        made = model.file.preprocessing
        self._normalize = Normalize(made.data_shape, made.mean, made.std)

    def predict(self, crops: np.ndarray) -> list[np.ndarray]:
        """Scale, compute, activate; see `Backend`."""
        rows = len(crops)
        bound = rows if rows == self._batch_size else 1 << (rows - 1).bit_length()
        images = np.zeros((bound, *self._normalize.data_shape), np.float32)
        planes = self._normalize.planes()
        for crop, out in zip(crops, images):
            # A grey image is written as one plane.
            self._normalize(crop[:, :, 0] if crop.shape[2] == 1 else crop, planes, out)
        logits = [part[:rows] for part in self._network.logits(images)]
        return self.file.tasks.predict(logits, self.file.temperature)
