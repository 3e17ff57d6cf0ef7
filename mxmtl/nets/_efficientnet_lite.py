"""EfficientNet-Lite0: a trunk for which ImageNet weights can be had under the Apache licence."""

from __future__ import annotations

from typing import Any, Optional

import mxnet as mx

EFFICIENTNET_LITE = "lite0_"
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


def efficientnet_lite_trunk() -> mx.gluon.HybridBlock:
    """Return the EfficientNet-Lite0 trunk: images to 1280 features; 3.4 million weights.

    EfficientNet-B0 (Tan and Le 2019) without squeeze-and-excitation and with ReLU6. Height and
    width must be multiples of 32. Its weights expect RGB as ``(pixel - 127) / 128``.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> trunk = mxmtl.nets.efficientnet_lite_trunk()
    >>> trunk.initialize()
    >>> trunk(mx.nd.ones((2, 3, 64, 64))).shape
    (2, 1280)
    """
    trunk = mx.gluon.nn.HybridSequential(prefix=EFFICIENTNET_LITE)
    with trunk.name_scope():
        trunk.add(Unit("conv_stem", "bn0", 32, kernel=3, stride=2))
        number, width = 0, 32
        for expansion, channels, repeats, stride, kernel in STAGES:
            for repeat in range(repeats):
                step = stride if repeat == 0 else 1
                trunk.add(
                    Block(width, channels, expansion, kernel, step, prefix=f"blocks_{number}_")
                )
                number, width = number + 1, channels
        trunk.add(Unit("conv_head", "bn1", 1280))
        trunk.add(mx.gluon.nn.GlobalAvgPool2D(), mx.gluon.nn.Flatten())
    return trunk


class Unit(mx.gluon.HybridBlock):
    """Convolution as TensorFlow pads it ("same"), batch normalization, and perhaps ReLU6."""

    def __init__(
        self,
        conv: str,
        norm: str,
        channels: int,
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
        self._pad: Optional[Any] = None
        if stride > 1:
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
            self.norm = mx.gluon.nn.BatchNorm(epsilon=1e-3, momentum=0.99, prefix=f"{norm}_")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        if self._pad is not None:
            x = F.pad(x, mode="constant", constant_value=0, pad_width=self._pad)
        x = self.norm(self.conv(x))
        return F.clip(x, 0, 6) if self._active else x


class Block(mx.gluon.HybridBlock):
    """Expand, filter each channel by itself, project; added to its input where shapes allow."""

    def __init__(
        self, width: int, channels: int, expansion: int, kernel: int, stride: int, prefix: str
    ) -> None:
        super().__init__(prefix=prefix)
        self._add = stride == 1 and width == channels
        wide = width * expansion
        with self.name_scope():
            self.units = mx.gluon.nn.HybridSequential(prefix="")
            with self.units.name_scope():
                if expansion > 1:
                    self.units.add(Unit("expand_conv", "bn0", wide))
                self.units.add(
                    Unit("depthwise_conv", "bn1", wide, kernel=kernel, stride=stride, groups=wide),
                    Unit("project_conv", "bn2", channels, active=False),
                )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = self.units(x)
        return x + y if self._add else y
