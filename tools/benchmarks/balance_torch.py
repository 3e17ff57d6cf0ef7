"""Steps of TorchJD and LibMTL on a ResNet-18, one at a time, as the other process asks for them.

Run by an interpreter that has torch, torchvision and torchjd, of which mxmtl needs none:
`balance.py --torch PYTHON` starts it, says with how many tasks, then writes the name of a variant a
line, and reads the seconds of one step. With --names it prints what there is. LibMTL, a folder of
its sources, is left out where it is not given.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

# The CPU build of PyTorch has none of torchvision's compiled operators, and they are not needed.
_register_fake = torch.library.register_fake


def _unless_missing(name: str, *args: Any, **options: Any) -> Any:
    if name.startswith("torchvision::"):
        return lambda function: function
    return _register_fake(name, *args, **options)


torch.library.register_fake = _unless_missing  # type: ignore[assignment]
import torchvision  # noqa: E402
from torch import nn  # noqa: E402
from torchjd.aggregation import IMTLG, MGDA, PCGrad, UPGrad  # noqa: E402
from torchjd.autojac import jac_to_grad, mtl_backward  # noqa: E402

LIBMTL = {"imtl_g": "IMTL", "mgda": "MGDA", "pcgrad": "PCGrad", "upgrad": "UPGrad"}
TORCHJD = {"imtl_g": IMTLG, "mgda": MGDA, "pcgrad": PCGrad, "upgrad": UPGrad}
FEATURES = 512
WIDTHS = [10, 1, 10, 1]  # multiclass, binary, multi-label, binary, in turn, as in heads.py
Losses = Callable[[list[torch.Tensor]], list[torch.Tensor]]


def resnet() -> nn.Module:
    network = torchvision.models.resnet18()
    network.fc = nn.Identity()
    return network


def losses_of(count: int, rows: int) -> Losses:
    """Return a function from logits to the loss of each task."""
    random = torch.Generator().manual_seed(0)
    kinds: list[Callable[[torch.Tensor], torch.Tensor]] = []
    for index in range(count):
        width = WIDTHS[index % 4]
        if index % 4 == 0:
            classes = torch.randint(width, (rows,), generator=random)
            kinds.append(partial(nn.functional.cross_entropy, target=classes))
        else:
            cells = torch.randint(2, (rows, width), generator=random).float()
            kinds.append(partial(nn.functional.binary_cross_entropy_with_logits, target=cells))
    return lambda logits: [kind(z) for kind, z in zip(kinds, logits)]


def plain(count: int, images: torch.Tensor, losses: Losses) -> Callable[[], None]:
    trunk, heads, optimizer = _network(count)

    def step() -> None:
        optimizer.zero_grad()
        features = trunk(images)
        torch.stack(losses([head(features) for head in heads])).sum().backward()
        optimizer.step()

    return step


def _network(count: int) -> tuple[nn.Module, nn.ModuleList, torch.optim.Optimizer]:
    trunk = resnet()
    heads = nn.ModuleList(nn.Linear(FEATURES, WIDTHS[i % 4]) for i in range(count))
    optimizer = torch.optim.SGD([*trunk.parameters(), *heads.parameters()], lr=1e-4)
    return trunk, heads, optimizer


def torchjd(
    name: str, by_features: bool, count: int, images: torch.Tensor, losses: Losses
) -> Callable[[], None]:
    """Jacobian of the trunk's parameters, or of its features and one backward pass behind it."""
    trunk, heads, optimizer = _network(count)
    aggregator = TORCHJD[name]()

    def step() -> None:
        optimizer.zero_grad()
        features = trunk(images)
        shared = list(trunk.parameters())
        read = features
        if by_features:
            leaf = features.detach().requires_grad_()
            shared, read = [leaf], leaf * 1.0
        mtl_backward(losses([head(read) for head in heads]), features=read, shared_params=shared)
        jac_to_grad(shared, aggregator)
        if by_features:
            features.backward(leaf.grad)
        optimizer.step()

    return step


def libmtl(
    name: str, by_features: bool, count: int, images: torch.Tensor, losses: Losses
) -> Callable[[], None]:
    """As its trainer does it: gradients of the trunk's parameters, or of the features."""
    from LibMTL.architecture import HPS

    names = [str(index) for index in range(count)]
    heads = nn.ModuleDict({n: nn.Linear(FEATURES, WIDTHS[int(n) % 4]) for n in names})
    made = type("Network", (HPS, getattr(import_module("LibMTL.weighting"), LIBMTL[name])), {})
    model = made(names, resnet, heads, by_features, False, torch.device("cpu"))
    model.task_num = count
    model.init_param()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)

    def step() -> None:
        out = model(images)
        each = torch.stack(losses([out[n] for n in names]))
        optimizer.zero_grad(set_to_none=False)
        model.backward(each, mgda_gn="none", UPGrad_norm_eps=1e-4, UPGrad_reg_eps=1e-4)
        optimizer.step()

    return step


def variants(with_libmtl: bool) -> dict[str, Callable[..., Callable[[], None]]]:
    """Return what can be stepped, by name."""
    found: dict[str, Callable[..., Callable[[], None]]] = {"PyTorch, equal": plain}
    for name in TORCHJD:
        for by_features in (False, True):
            mode = "features" if by_features else "parameters"
            found[f"TorchJD, {name}, {mode}"] = partial(torchjd, name, by_features)
            refused = by_features and name in ("pcgrad", "upgrad")
            if with_libmtl and not refused:
                found[f"LibMTL, {name}, {mode}"] = partial(libmtl, name, by_features)
    return found


def main(count: int, rows: int, size: int, folder: str) -> None:
    if folder:  # without what its __init__ imports: a trainer, and more packages for it
        sys.modules["LibMTL"] = package = ModuleType("LibMTL")
        package.__path__ = [f"{folder}/LibMTL"]
    known, ready = variants(bool(folder)), {}
    torch.manual_seed(0)
    images, losses = torch.randn(rows, 3, size, size), losses_of(count, rows)
    print("\n".join(known), flush=True)
    print("", flush=True)
    for line in sys.stdin:
        name = line.strip()
        if name not in ready:
            ready[name] = known[name](count, images, losses)
        begin = time.perf_counter()
        ready[name]()
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
