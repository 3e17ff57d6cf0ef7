from tests.deploy._world import here, world  # noqa: F401
