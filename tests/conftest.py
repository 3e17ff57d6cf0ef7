"""Fixtures for all tests. mxmtl comes first: it loads MXNet with its import warnings muted."""

import random
from collections import Counter

import mxmtl  # noqa: F401

import mxnet as mx
import numpy as np
import pytest
from hypothesis import settings

# A machine that is busy is no defect of ours.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _fixed_seeds():
    """Every test starts from the same random state."""
    random.seed(0)
    np.random.seed(0)
    mx.random.seed(0)


def pytest_terminal_summary(terminalreporter):
    """Say once for each reason how many tests were skipped, and what to run for them."""
    skipped = terminalreporter.stats.get("skipped", ())
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
