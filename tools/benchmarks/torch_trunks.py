"""Networks of torchvision and timm with random weights, and their features: to compare ours with.

Run by an interpreter that has torch, torchvision and timm, of which mxmtl needs none:

    python tools/benchmarks/torch_trunks.py OUT [LIBRARY/NETWORK ...]

For each network it writes OUT/LIBRARY-NETWORK.pth, .safetensors, and .npz with images and features.
With --names it only prints {network: {array: shape}} as JSON, from which the tests know the names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

# The CPU build of PyTorch has none of torchvision's compiled operators, and they are not needed.
_register_fake = torch.library.register_fake


def _unless_missing(name: str, *args: Any, **options: Any) -> Any:
    if name.startswith("torchvision::"):
        return lambda function: function
    return _register_fake(name, *args, **options)


torch.library.register_fake = _unless_missing  # type: ignore[assignment]
import timm  # noqa: E402
import torchvision  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

NETWORKS = [
    *[f"torchvision/{n}" for n in ("resnet18", "resnet50", "mobilenet_v2", "densenet121")],
    *[f"timm/{n}" for n in ("resnet18", "resnet50", "mobilenetv2_100", "densenet121")],
    *[f"timm/{n}" for n in ("efficientnet_lite0", "tf_efficientnet_lite0", "efficientnet_lite1")],
    *["torchvision/vgg11_bn", "torchvision/vgg11", "timm/vgg11", "timm/vgg11_bn"],
]


def make(name: str) -> torch.nn.Module:
    library, _, network = name.partition("/")
    if library == "timm":
        return timm.create_model(network)
    return getattr(torchvision.models, network)()


def features(name: str, network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return what the network's last layer is given."""
    if name.startswith("timm/"):
        network.reset_classifier(0)
        return network(images)
    last = network.classifier[-1] if name.startswith("torchvision/vgg") else None
    if last is not None:
        network.classifier[-1] = torch.nn.Identity()
    else:
        setattr(network, "fc" if hasattr(network, "fc") else "classifier", torch.nn.Identity())
    return network(images)


def shake(network: torch.nn.Module, seed: int) -> None:
    """Give batch normalization values that no two layers share."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            with torch.no_grad():
                for array, low, high in (
                    (module.weight, 0.7, 1.3), (module.bias, -0.2, 0.2),
                    (module.running_mean, -0.2, 0.2), (module.running_var, 0.6, 1.4),
                ):  # fmt: skip
                    array.copy_(low + (high - low) * torch.rand(array.shape, generator=generator))


def main() -> None:
    arguments = sys.argv[1:]
    if "--names" in arguments:
        with torch.device("meta"):
            made = {name: make(name).state_dict() for name in NETWORKS}
        shapes = {n: {k: list(v.shape) for k, v in state.items()} for n, state in made.items()}
        print(json.dumps(shapes))
        return
    out, names = Path(arguments[0]), arguments[1:] or NETWORKS
    for seed, name in enumerate(names):
        torch.manual_seed(seed)
        network = make(name).eval()
        shake(network, seed)
        side = 224 if "vgg" in name else 96
        images = torch.randn(2, 3, side, side)
        stem = str(out / name.replace("/", "-"))
        torch.save(network.state_dict(), f"{stem}.pth")
        save_file(network.state_dict(), f"{stem}.safetensors")
        with torch.no_grad():
            found = features(name, network, images)
        np.savez(f"{stem}.npz", images=images.numpy(), features=found.numpy())


if __name__ == "__main__":
    main()
