"""Heads of more than a chain of layers, as Gluon blocks: experts with gates, and heads on a map.

All are built of operators through which a gradient comes back (`_pull_back`), so that every method
of balancing takes them. Parameters of a head are called ``<task>_...``, and those of experts that
tasks share ``experts_...``; the operator that makes the logits is ``<task>_fwd``.
"""

from __future__ import annotations

from typing import Any

import mxnet as mx

from ..tasks import Task
from ._head_kinds import CSRA, HeadKind, Queries


def dense(width: int, prefix: str, **options: Any) -> mx.gluon.nn.Dense:
    """Return a layer that does not flatten unnoticed what is not flat."""
    made = mx.gluon.nn.Dense(width, flatten=False, prefix=prefix, **options)
    if made.bias is not None:
        made.bias.wd_mult = 0.0  # Module decays no biases; Gluon's variables would say 1
    return made


class Experts(mx.gluon.HybridBlock):
    """Features (N, F) to what each expert says of them, side by side: (N, experts * units)."""

    def __init__(self, number: int, units: int, prefix: str) -> None:
        super().__init__(prefix=prefix)
        self.layer = dense(number * units, prefix, activation="relu")

    def hybrid_forward(self, F: Any, features: Any) -> Any:
        return self.layer(features)


class Gated(mx.gluon.HybridBlock):
    """Logits of a mixture of experts: those that tasks share, and perhaps some of its own."""

    def __init__(self, task: Task, kind: HeadKind) -> None:
        super().__init__(prefix=f"{task.name}_")
        shared, own, self.units = kind.experts
        self.gate = dense(shared + own, f"{task.name}_gate_")
        self.own = Experts(own, self.units, f"{task.name}_experts_") if own else None
        self.last = dense(task.num_logits, f"{task.name}_")

    def hybrid_forward(self, F: Any, features: Any, shared: Any) -> Any:
        said = shared if self.own is None else F.concat(shared, self.own(features), dim=1)
        said = F.reshape(said, shape=(0, -1, self.units))
        gate = F.expand_dims(F.softmax(self.gate(features), axis=1), axis=1)
        mixed = F.batch_dot(gate, said)
        return self.last(F.reshape(mixed, shape=(0, -1)))


def places(F: Any, features: Any) -> Any:
    """Return a map (N, C, H, W) as a row a place: (N, H * W, C)."""
    return F.transpose(F.reshape(features, shape=(0, 0, -1)), axes=(0, 2, 1))


class OnMap(mx.gluon.HybridBlock):
    """Scores of each class at each place: their mean, and the higher ones once more."""

    def __init__(self, task: Task, kind: CSRA) -> None:
        super().__init__(prefix=f"{task.name}_")
        self.kind, self.width = kind, task.num_logits
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(self.width, 0), allow_deferred_init=True)
            self.bias = self.params.get("bias", shape=(self.width,), init=mx.init.Zero())
        self.bias.wd_mult = 0.0

    def infer_shape(self, features: Any, *_: Any) -> None:
        self.weight.shape = (self.width, features.shape[1])

    def hybrid_forward(self, F: Any, features: Any, weight: Any, bias: Any) -> Any:
        scores = F.FullyConnected(
            places(F, features), weight, num_hidden=self.width, no_bias=True, flatten=False,
            name="scores",
        )  # fmt: skip
        found = F.mean(scores, axis=1)
        if self.kind.share:
            where = F.softmax(scores * self.kind.sharpness, axis=1)
            found = found + F.sum(where * scores, axis=1) * self.kind.share
        return F.broadcast_add(found, F.reshape(bias, shape=(1, -1)), name="fwd")


class Decoder(mx.gluon.HybridBlock):
    """A query a label, which takes what it looks for from the places of the map."""

    def __init__(self, task: Task, kind: Queries) -> None:
        super().__init__(prefix=f"{task.name}_")
        units, self.units, width = kind.units, kind.units, task.num_logits
        name = task.name
        self.tokens = dense(units, f"{name}_tokens_", activation="relu")
        self.values = dense(units, f"{name}_values_")
        self.wide = dense(2 * units, f"{name}_wide_", activation="relu")
        self.narrow = dense(units, f"{name}_narrow_")
        self.first = mx.gluon.nn.LayerNorm(in_channels=units, prefix=f"{name}_first_")
        self.second = mx.gluon.nn.LayerNorm(in_channels=units, prefix=f"{name}_second_")
        with self.name_scope():
            self.queries = self.params.get("queries_weight", shape=(width, units))
            self.weight = self.params.get("weight", shape=(width, units))
            self.bias = self.params.get("bias", shape=(width,), init=mx.init.Zero())
        self.bias.wd_mult = 0.0

    def hybrid_forward(self, F: Any, features: Any, queries: Any, weight: Any, bias: Any) -> Any:
        tokens = self.tokens(places(F, features))
        scores = F.FullyConnected(
            tokens, queries, num_hidden=self.bias.shape[0], no_bias=True, flatten=False,
            name="scores",
        )  # fmt: skip
        where = F.softmax(scores * self.units**-0.5, axis=1)
        taken = F.batch_dot(where, self.values(tokens), transpose_a=True)
        known = self.first(F.broadcast_add(taken, F.expand_dims(queries, axis=0)))
        known = self.second(known + self.narrow(self.wide(known)))
        found = F.sum(F.broadcast_mul(known, F.expand_dims(weight, axis=0)), axis=2)
        return F.broadcast_add(found, F.reshape(bias, shape=(1, -1)), name="fwd")
