"""Records for the tests of training, written once."""

from tests.training import _small

import pytest


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Prefix of the records that `_small` writes."""
    return _small.write(tmp_path_factory.mktemp("records"))
