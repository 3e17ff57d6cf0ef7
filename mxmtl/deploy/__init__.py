"""Out of training: networks that predict, without labels, optimizer or training symbol."""

from ._model import Model as Model
from ._model import load_model as load_model
from ._network import Network as Network
