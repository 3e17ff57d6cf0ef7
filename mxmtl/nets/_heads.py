"""Heads: from the features that the tasks share to each task's logits, by layers of its own.

They are met in two shapes: as Gluon blocks, which are trained and called, and in the graph of a
symbol, as a checkpoint has it, from which they are cut where they begin.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import mxnet as mx
import numpy as np

from ..tasks import Task, TaskSet
from ._head_blocks import Decoder, Experts, Gated, OnMap, dense
from ._head_kinds import CSRA, HeadKind, HeadKinds, Queries, head_kinds
from ._pull_back import children

MEND = (
    "End the trunk with a flatten (mx.sym.Flatten, gluon.nn.Flatten), after a global average "
    "pooling where it still has height and width; mxmtl.zoo_trunk does so for zoo networks."
)
# Inputs to try a symbol on: its own input size is not known, and the first that fits will do.
# What takes flat input (a variable by itself, say) is the user's to feed with flat input.
PROBES = [(1, 512), *((1, c, size, size) for size in (224, 299, 64, 32, 28) for c in (3, 1))]
HELD = "balance_features"  # what a balanced head reads: the features, without a gradient
FEATURES = "__features__"  # attribute of the trunk's output where heads are no plain chains
CUT = "cut_features"
EXPERTS = "experts"  # how layers are called that several heads share
DIRECTION = "direction"  # after a task's name: the layer of a head that has one line
HIDDEN = "_hidden"  # after a task's name: its head's layers before the last


# -- the features -------------------------------------------------------------------------------
def check_flat(features: Any) -> None:
    """Raise `ValueError` if features (NDArray or Symbol) are known not to be (N, num_features)."""
    if not isinstance(features, mx.nd.NDArray | mx.sym.Symbol):
        raise TypeError(f"the trunk returned {type(features).__name__}; expected one array.")
    symbolic = isinstance(features, mx.sym.Symbol)
    if symbolic and len(features.list_outputs()) != 1:
        outputs = features.list_outputs()
        raise ValueError(f"the trunk has outputs {outputs}; expected one. Pick symbol[name].")
    shape = _probe(features) if symbolic else features.shape
    if shape is not None and len(shape) != 2:
        name = features.list_outputs()[0] if symbolic else "its output"
        raise ValueError(
            f"the trunk is not flat: {name} has shape {shape} where (N, num_features) is "
            f"expected. {MEND}"
        )


def check_map(features: Any) -> None:
    """Raise `ValueError` if features are known not to be a map, (N, C, H, W)."""
    symbolic = isinstance(features, mx.sym.Symbol)
    shape = _probe(features) if symbolic else features.shape
    if shape is not None and len(shape) != 4:
        raise ValueError(
            f"the trunk gives {shape}, and a head on a map wants (N, C, H, W): end the trunk "
            "before its pooling. Of a symbol that ends with a global pooling, such as a zoo "
            "network's, the map before it is taken."
        )


def map_of(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Return the map (N, C, H, W) that a trunk's global pooling reads; itself if there is none."""
    below = symbol
    while children(below):
        operator = json.loads(below.tojson(remove_amp_cast=False))["nodes"][-1]["op"]
        if operator == "Pooling" and below.attr("global_pool") == "True":
            return children(below)[0]
        if operator not in ("Flatten", "Reshape", "Dropout"):
            break
        below = children(below)[0]
    return symbol


def _probe(symbol: mx.sym.Symbol) -> tuple[int, ...] | None:
    # The output shape on the first input shape that the symbol accepts; None if none was.
    if "data" not in symbol.list_arguments():
        return None
    for shape in PROBES:
        try:
            _, (output,), _ = symbol.infer_shape_partial(data=shape)
        except mx.MXNetError:
            continue
        if output:
            return output
    return None


# -- as Gluon blocks ------------------------------------------------------------------------------
class Heads(mx.gluon.HybridBlock):
    """Map features (N, num_features) to a list of logits (N, num_logits), in task order.

    Written once for both worlds: called on an NDArray it computes, called on a Symbol it
    builds. The parameters are ``<task>_weight`` and ``<task>_bias`` whatever stands around it,
    and ``<task>_hidden0_weight`` and so on where a head has hidden layers.
    """

    def __init__(self, tasks: TaskSet, heads: HeadKinds = None) -> None:
        super().__init__(prefix="")
        self.tasks = tasks
        self.kinds = head_kinds(heads, tasks)
        for task, kind in zip(tasks, self.kinds):
            self.register_child(_block(task, kind), task.name)
        self.shared: dict[HeadKind, Experts] = {}
        for kind in self.kinds:
            if kind.experts and kind not in self.shared:
                prefix = f"{EXPERTS}{len(self.shared) or ''}_"
                self.shared[kind] = Experts(kind.experts[0], kind.experts[2], prefix)
                self.register_child(self.shared[kind], prefix)

    def hybrid_forward(self, F: Any, features: Any) -> list[Any]:
        if F is mx.sym and not all(kind.is_chain for kind in self.kinds):
            features._set_attr(**{FEATURES: "1"})
        maps = any(kind.reads_map for kind in self.kinds)
        flat = features
        if maps:
            check_map(features)
            flat = F.mean(F.reshape(features, shape=(0, 0, -1)), axis=2)
        else:
            check_flat(features)
        said = {kind: experts(flat) for kind, experts in self.shared.items()}
        found = []
        for task, kind in zip(self.tasks, self.kinds):
            read = features if kind.reads_map else flat
            more = [said[kind]] if kind in said else []
            found.append(self._children[task.name](read, *more))
        return found


def _block(task: Task, kind: HeadKind) -> mx.gluon.HybridBlock:
    """Return the layers of a head."""
    prefix, start = f"{task.name}_", task.thresholds_at_start
    if not kind.is_chain:
        if start:
            raise ValueError(
                f"task {task.name!r}: its logits differ in their bias alone, which a head "
                f"{kind.name!r} cannot give. Take linear or hidden(...) for it."
            )
        if kind.experts:
            return Gated(task, kind)
        if isinstance(kind, CSRA):
            return OnMap(task, kind)
        assert isinstance(kind, Queries)
        return Decoder(task, kind)
    last = OneDirection(start, prefix) if start else dense(task.num_logits, prefix)
    if not kind.hidden:
        return last
    layers = mx.gluon.nn.HybridSequential(prefix="")
    for index, width in enumerate(kind.hidden):
        layers.add(dense(width, f"{task.name}{HIDDEN}{index}_", activation="relu"))
        if kind.dropped:
            layers.add(mx.gluon.nn.Dropout(kind.dropped))
    layers.add(last)
    return layers


class OneDirection(mx.gluon.HybridBlock):
    """A head whose logits differ in their bias alone: w'f + b_k, as CORAL has it."""

    def __init__(self, start: Sequence[float], prefix: str) -> None:
        super().__init__(prefix=prefix)
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(1, 0), allow_deferred_init=True)
            first = mx.init.Constant(np.array(start, np.float32))
            self.bias = self.params.get("bias", shape=(len(start),), init=first)
        self.bias.wd_mult = 0.0

    def hybrid_forward(self, F: Any, features: Any, weight: Any, bias: Any) -> Any:
        line = F.FullyConnected(
            features, weight, num_hidden=1, no_bias=True, flatten=False, name=DIRECTION
        )
        return F.broadcast_add(line, F.reshape(bias, shape=(1, -1)), name="fwd")


# -- in the graph of a symbol ----------------------------------------------------------------------
def logits_name(task_name: str) -> str:
    """Name of a head's output among a symbol's internals."""
    return f"{task_name}_fwd_output"


def shared_features(logits: Sequence[mx.sym.Symbol], tasks: TaskSet) -> mx.sym.Symbol:
    """Return the output of the trunk that heads read, with a gradient, of logits in task order."""
    internals = mx.sym.Group(list(logits)).get_internals()
    if len(logits) == 1:
        common = set(internals.list_outputs())
    else:
        common = set.intersection(*(set(z.get_internals().list_outputs()) for z in logits))
    marked = {name for name, known in internals.attr_dict().items() if FEATURES in known}
    if not marked and len(logits) == 1:
        return _below(logits[0], tasks[0].name)
    # The last one: a trunk may be cut from a network that had heads.
    outputs = dict(zip(internals.list_outputs(), internals))
    found = [name for name, one in outputs.items() if name in common and one.name in marked]
    if not marked:
        found = [name for name in outputs if name in common and _is_of_data(outputs[name])]
    if not found:
        raise ValueError("the heads share no layer, so there is nothing to balance.")
    return outputs[found[-1]]


def _is_of_data(symbol: mx.sym.Symbol) -> bool:
    return "data" in symbol.list_arguments()


def _below(logits: mx.sym.Symbol, task_name: str) -> mx.sym.Symbol:
    """Return what a chain of fully connected layers reads: the heads that leave no mark."""
    below = children(logits)[0]
    below = children(below)[0] if below.name.endswith(DIRECTION) else below
    while True:
        between = below
        # What stands behind a hidden layer, or else is the trunk's own.
        while between.attr("act_type") == "relu" or between.attr("p") is not None:
            between = children(between)[0]
        if not between.name.startswith(f"{task_name}{HIDDEN}") or not children(between):
            return below
        below = children(between)[0]


def on_features(
    logits: Sequence[mx.sym.Symbol], features: mx.sym.Symbol, other: mx.sym.Symbol
) -> list[mx.sym.Symbol]:
    """Return the heads that make these logits of features, reading others instead."""
    graph = json.loads(mx.sym.Group(list(logits)).tojson(remove_amp_cast=False))
    for node in graph["nodes"]:
        if node["name"] == features.name:
            node.update(op="null", name=CUT, inputs=[])
            node.pop("attrs", None)
    heads = mx.sym.load_json(json.dumps(graph, ensure_ascii=False))
    return list(heads(**{CUT: other}))
