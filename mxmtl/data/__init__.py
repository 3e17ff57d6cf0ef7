"""Image records with labels: written, checked, read, augmented and sampled."""

from ._convert import write_records as write_records
from ._dataset import RecordDataset as RecordDataset
from ._iter import RecordIter as RecordIter
from ._record_error import RecordError as RecordError
from ._summary import RecordSummary as RecordSummary
