from tests.training.conftest import records  # noqa: F401
