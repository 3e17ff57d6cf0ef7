"""Image records with labels: written, checked, read, augmented and sampled."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._errors import ImageError as ImageError
    from ._errors import RowError as RowError
    from ._errors import TableError as TableError
    from ._options import ImageOptions as ImageOptions
    from ._options import InspectOptions as InspectOptions
    from ._options import OutputOptions as OutputOptions
    from ._options import RepairOptions as RepairOptions
    from ._options import VerifyOptions as VerifyOptions
    from .convert import RecordSummary as RecordSummary
    from .convert import TableFaults as TableFaults
    from .convert import find_faults as find_faults
    from .convert import split_rows as split_rows
    from .convert import write_records as write_records
    from .inspect import Inspection as Inspection
    from .inspect import Verification as Verification
    from .inspect import inspect_records as inspect_records
    from .inspect import repair_records as repair_records
    from .inspect import verify_records as verify_records
    from .loading import ClassAwareSampler as ClassAwareSampler
    from .loading import IgnorePadIter as IgnorePadIter
    from .loading import LoadingOptions as LoadingOptions
    from .loading import RecordDataset as RecordDataset
    from .loading import RecordIter as RecordIter
    from .loading import Sampler as Sampler
    from .loading import WeightedSampler as WeightedSampler
    from .records import RecordError as RecordError
    from .records import class_counts as class_counts
    from .tables import Inference as Inference
    from .tables import Row as Row
    from .tables import TableOptions as TableOptions
    from .tables import TableReader as TableReader
    from .tables import infer_tasks as infer_tasks
    from .tables import layouts as layouts

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
