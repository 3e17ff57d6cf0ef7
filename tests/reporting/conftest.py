"""Runs to report on, trained once."""

from mxmtl.reporting import report_runs

import pytest

from . import _world


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A folder with records ``t`` and the runs ``first`` and ``second`` of them."""
    folder = tmp_path_factory.mktemp("report")
    prefix = _world.write(folder, _world.tasks())
    _world.fit(prefix, folder / "first")
    _world.fit(prefix, folder / "second", lr=0.01, optimizer="adam")
    return folder


@pytest.fixture(scope="session")
def one(world):
    """A report on one run."""
    return report_runs(world / "first", world / "t", mistakes=5, bootstrap=20)


@pytest.fixture(scope="session")
def page(one):
    """The page about one run."""
    return one.html()


@pytest.fixture(scope="session")
def pages(both):
    """The page about both."""
    return both.html()


@pytest.fixture(scope="session")
def both(world):
    """A report on both."""
    return report_runs([world / "first", world / "second"], mistakes=2, bootstrap=20)
