"""Networks: trunks and one head a task, as Gluon blocks and as Symbols.

The heads and the losses are written once, in `Heads` and in the tasks; both worlds use them.
"""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._balanced import BALANCE_OUTPUT as BALANCE_OUTPUT
    from ._balanced import BALANCE_STATE as BALANCE_STATE
    from ._efficientnet import efficientnet_lite_trunk as efficientnet_lite_trunk
    from ._head_kinds import CGC as CGC
    from ._head_kinds import CSRA as CSRA
    from ._head_kinds import HeadKind as HeadKind
    from ._head_kinds import Hidden as Hidden
    from ._head_kinds import Linear as Linear
    from ._head_kinds import MMoE as MMoE
    from ._head_kinds import Queries as Queries
    from ._head_kinds import head_kind as head_kind
    from ._heads import logits_name as logits_name
    from ._net import MultiTaskLoss as MultiTaskLoss
    from ._net import MultiTaskNet as MultiTaskNet
    from ._net import TrunkOrNet as TrunkOrNet
    from ._net import features_of as features_of
    from ._net import heads_alone as heads_alone
    from ._net import logits_symbol as logits_symbol
    from ._net import module_params as module_params
    from ._net import prediction_symbol as prediction_symbol
    from ._net import training_symbol as training_symbol
    from ._trunk_list import TRUNKS as TRUNKS
    from ._trunk_list import meant as meant
    from ._trunks import joined_layers as joined_layers
    from ._trunks import load_trunk as load_trunk
    from ._trunks import named_trunk as named_trunk
    from ._trunks import small_trunk as small_trunk
    from ._trunks import stage_layers as stage_layers
    from ._trunks import zoo_trunk as zoo_trunk

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
