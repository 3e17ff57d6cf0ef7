"""What people look at: tables of metric values, pages about runs, labelled images."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._options import ReportOptions as ReportOptions
    from ._options import SheetOptions as SheetOptions
    from ._page import gain as gain
    from ._report import Report as Report
    from ._report import RunReport as RunReport
    from ._report import check_output as check_output
    from ._report import report as report
    from ._report import report_runs as report_runs
    from ._show import check_sheet as check_sheet
    from ._show import show_batch as show_batch
    from ._show import show_results as show_results
    from ._show import write_sheet as write_sheet

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
