from tests.deploy._world import world  # noqa: F401
