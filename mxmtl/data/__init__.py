"""Image records with labels: written, checked, read, augmented and sampled."""

from ._convert import write_records as write_records
from ._convert_options import OutputOptions as OutputOptions
from ._dataset import RecordDataset as RecordDataset
from ._errors import ImageError as ImageError
from ._errors import RowError as RowError
from ._errors import TableError as TableError
from ._image import ImageOptions as ImageOptions
from ._infer import Inference as Inference
from ._infer import infer_tasks as infer_tasks
from ._inspect import Inspection as Inspection
from ._inspect import inspect_records as inspect_records
from ._iter import RecordIter as RecordIter
from ._lists import ListOptions as ListOptions
from ._lists import find_lists as find_lists
from ._lists import write_lists as write_lists
from ._record_error import RecordError as RecordError
from ._repair import repair_records as repair_records
from ._samplers import ClassAwareSampler as ClassAwareSampler
from ._samplers import Sampler as Sampler
from ._samplers import WeightedSampler as WeightedSampler
from ._sheet import write_sheet as write_sheet
from ._split import split_rows as split_rows
from ._summary import RecordSummary as RecordSummary
from ._table import TableOptions as TableOptions
from ._verify import Verification as Verification
from ._verify import verify_records as verify_records
