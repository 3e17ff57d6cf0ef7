"""What people look at: tables of metric values."""

from ._report import Report as Report
from ._report import report as report

__all__ = ["Report", "report"]
