"""Out of training: networks that predict, without labels, optimizer or training symbol."""

from ._network import Network as Network
