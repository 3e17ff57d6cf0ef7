"""The page of metrics is made from the classes."""

import importlib.util
from pathlib import Path

import mxmtl
from mxmtl import metrics

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("metrics_table", ROOT / "tools/metrics_table.py")
metrics_table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(metrics_table)


def test_the_table_is_up_to_date():
    written = metrics_table.PAGE.read_text("utf-8")
    assert metrics_table.markdown() == written, "run python tools/metrics_table.py"


@pytest.mark.parametrize("name", sorted(metrics.Metric.types))
def test_every_metric_is_public_and_says_what_it_is(name):
    cls = metrics.Metric.types[name]
    assert getattr(metrics, cls.__name__) is cls
    assert cls.formula
    assert cls.undefined
    assert cls.source


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("R2Score", "r2_score"),
        ("AUROC", "auroc"),
        ("F1", "f1"),
        ("FBeta", "f_beta"),
        ("TopKAccuracy", "top_k_accuracy"),
        ("BaselineRMSE", "baseline_rmse"),
    ],
)
def test_the_name_in_logs_is_the_class_name_in_snake_case(name, expected):
    assert metrics.Metric.types[expected].__name__ == name


@pytest.mark.parametrize("task", mxmtl.Task.types.values())
def test_default_metrics_are_metrics_of_that_type(task):
    for name in task.default_metrics:
        assert task.kind in metrics.Metric.types[name].averages
