"""Changes to a symbol's nodes, made in its JSON: a copy is changed, never the symbol itself."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List

import mxnet as mx

Node = Dict[str, Any]
RANDOM = ("Dropout", "RNN")  # operators that draw; so do all named *random* or *sample*


def nodes(symbol: mx.sym.Symbol) -> List[Node]:
    """Return the nodes of a symbol: variables have op "null"."""
    return list(json.loads(symbol.tojson(remove_amp_cast=False))["nodes"])


def edit(symbol: mx.sym.Symbol, change: Callable[[Node], None]) -> mx.sym.Symbol:
    """Return a copy in which ``change`` was applied to every node; it edits ``attrs``."""
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    for node in graph["nodes"]:
        node.setdefault("attrs", {})
        change(node)
        if not node["attrs"]:
            del node["attrs"]
    return mx.sym.load_json(json.dumps(graph))


def draws_random_numbers(symbol: mx.sym.Symbol) -> bool:
    """Tell whether a forward pass may depend on MXNet's random numbers."""
    return any(
        (node["op"] in RANDOM and float(node["attrs"].get("p", 0.5)) > 0)
        or "random" in node["op"].lower()
        or "sample" in node["op"].lower()
        or node.get("attrs", {}).get("act_type") == "rrelu"
        for node in nodes(symbol)
    )
