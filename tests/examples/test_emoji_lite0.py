"""`examples/emoji_lite0.py`: its settings exist, its table says what was reached."""

import sys
from pathlib import Path

import mxmtl
from mxmtl import training

import mxnet as mx
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delitem(sys.modules, "emoji_lite0", raising=False)
    import emoji_lite0

    return emoji_lite0


def test_the_settings_are_settings_and_the_layers_are_there(example):
    settings = training.Settings(**example.SETTINGS)
    with mx.name.NameManager():
        trunk = mxmtl.nets.efficientnet_lite_trunk()(mx.sym.var("data"))
    joined = mxmtl.nets.joined_layers(trunk, settings.layers)
    (shape,) = joined.infer_shape_partial(data=(2, *settings.data_shape))[1]
    assert shape == (2, 1280 + 672 + 480 + 240)


def test_the_table_has_the_last_epoch_of_each_part(example):
    def values(epoch):
        return {
            f"{task}/{key}": epoch + place
            for task in example.GOALS
            for place, key in enumerate(("num_labels", "accuracy"))
        }

    history = [{"val": values(epoch)} for epoch in range(example.FROZEN + example.WHOLE)]
    rows = example.table(history).splitlines()[2:]
    assert len(rows) == 6
    last = example.FROZEN - 1
    assert rows[0].endswith(f"| category | {last} | {last + 1:.3f} | 0.82 |")
    last += example.WHOLE
    assert rows[-1].endswith(f"| gender | {last} | {last + 1:.3f} | 0.67 |")
