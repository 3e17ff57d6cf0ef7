"""Training on many processes and machines, over MXNet's own parameter server."""

from ._hosts import Host as Host
from ._hosts import read_hosts as read_hosts
from ._launch import launch as launch
from ._plan import Launch as Launch
