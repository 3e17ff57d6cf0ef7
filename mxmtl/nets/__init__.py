"""Networks: a trunk and one head a task, as Gluon blocks and as Symbols.

The heads and the losses are written once, in `Heads` and in the tasks; both worlds use them.
"""

from ._net import MultiTaskLoss as MultiTaskLoss
from ._net import MultiTaskNet as MultiTaskNet
from ._net import TrunkOrNet as TrunkOrNet
from ._net import logits_name as logits_name
from ._net import logits_symbol as logits_symbol
from ._net import module_params as module_params
from ._net import prediction_symbol as prediction_symbol
from ._net import training_symbol as training_symbol
from ._trunks import EFFICIENTNET_LITE as EFFICIENTNET_LITE
from ._trunks import efficientnet_lite_trunk as efficientnet_lite_trunk
from ._trunks import joined_layers as joined_layers
from ._trunks import load_trunk as load_trunk
from ._trunks import small_trunk as small_trunk
from ._trunks import zoo_trunk as zoo_trunk

__all__ = [
    "MultiTaskLoss",
    "MultiTaskNet",
    "efficientnet_lite_trunk",
    "joined_layers",
    "load_trunk",
    "logits_symbol",
    "module_params",
    "prediction_symbol",
    "small_trunk",
    "training_symbol",
    "zoo_trunk",
]
