from tests.model._world import world  # noqa: F401
