"""A small HTTP service around a trained model: an image in, JSON out."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._app import predict as predict
    from ._batcher import Batcher as Batcher
    from ._limits import Limits as Limits
    from ._limits import ServeOptions as ServeOptions
    from ._server import Service as Service
    from ._server import is_loopback as is_loopback

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
