"""Image records with labels: written, checked, read, augmented and sampled."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._errors import ImageError as ImageError
    from ._errors import RowError as RowError
    from ._errors import TableError as TableError
    from ._parallel import ordered_map as ordered_map
    from .convert import OutputOptions as OutputOptions
    from .convert import RecordSummary as RecordSummary
    from .convert import write_records as write_records
    from .images import ImageOptions as ImageOptions
    from .inspect import Inspection as Inspection
    from .inspect import Verification as Verification
    from .inspect import inspect_records as inspect_records
    from .inspect import repair_records as repair_records
    from .inspect import verify_records as verify_records
    from .loading import ClassAwareSampler as ClassAwareSampler
    from .loading import Loading as Loading
    from .loading import RecordDataset as RecordDataset
    from .loading import RecordIter as RecordIter
    from .loading import Sampler as Sampler
    from .loading import WeightedSampler as WeightedSampler
    from .records import RecordError as RecordError
    from .tables import Inference as Inference
    from .tables import ListOptions as ListOptions
    from .tables import TableOptions as TableOptions
    from .tables import find_lists as find_lists
    from .tables import infer_tasks as infer_tasks
    from .tables import split_rows as split_rows
    from .tables import write_lists as write_lists

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
