"""What is in records, and what is wrong with them."""

from typing import TYPE_CHECKING

from ..._door import lazy

if TYPE_CHECKING:
    from ._inspect import Inspection as Inspection
    from ._inspect import inspect_records as inspect_records
    from ._verify import Verification as Verification
    from ._verify import repair_records as repair_records
    from ._verify import verify_records as verify_records

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
