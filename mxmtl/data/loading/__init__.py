"""From records to batches: ordered, decoded ahead, augmented, sampled."""

from typing import TYPE_CHECKING

from ..._door import lazy

if TYPE_CHECKING:
    from ._ignore_pad import IgnorePadIter as IgnorePadIter
    from ._iter import LoadingOptions as LoadingOptions
    from ._iter import RecordIter as RecordIter
    from ._loader import BatchJob as BatchJob
    from ._order import ClassAwareSampler as ClassAwareSampler
    from ._order import Order as Order
    from ._order import Sampler as Sampler
    from ._order import WeightedSampler as WeightedSampler
    from ._order import share_out as share_out
    from ._order import task_weights as task_weights
    from ._source import Normalize as Normalize
    from ._source import RecordDataset as RecordDataset

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
