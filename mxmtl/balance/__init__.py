"""How the tasks' losses or gradients are combined: weights of tasks, found while training.

A method is a small declaration, and weighs tasks by what a batch shows of them: their losses, or
the products of the gradients that they send into the trunk. Whatever is derived from `Balance`,
here or elsewhere, can be named as ``balance=`` of `mxmtl.training_symbol`, `mxmtl.fit`,
``mxmtl train --balance`` and `mxmtl.MultiTaskLoss`.
"""

from ._balance import Balance as Balance
from ._balance import Facts as Facts
from ._balance import balance_of as balance_of
from ._balance import method_names as method_names
from ._gradients import IMTLG as IMTLG
from ._gradients import AlignedMTL as AlignedMTL
from ._gradients import ConFIG as ConFIG
from ._gradients import GradVac as GradVac
from ._gradients import PCGrad as PCGrad
from ._losses import DWA as DWA
from ._losses import FAMO as FAMO
from ._losses import STCH as STCH
from ._losses import Geometric as Geometric
from ._losses import GradNorm as GradNorm
from ._losses import LogSum as LogSum
from ._losses import RandomWeights as RandomWeights
from ._losses import Uncertainty as Uncertainty
from ._programs import MGDA as MGDA
from ._programs import CAGrad as CAGrad
from ._programs import DualProj as DualProj
from ._programs import FairGrad as FairGrad
from ._programs import NashMTL as NashMTL
from ._programs import UPGrad as UPGrad
from ._weights import weights as weights
