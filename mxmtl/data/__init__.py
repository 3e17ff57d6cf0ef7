"""Image records with labels: written, checked, read, augmented and sampled."""

from ._record_error import RecordError as RecordError
