from tests.model._world import here, world  # noqa: F401
