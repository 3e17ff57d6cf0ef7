"""Names of any script go the whole way: columns, classes, files, folders, runs and ONNX."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import mxmtl
from mxmtl.cli import main

import cv2
import numpy as np
import pytest

COLORS = {"红色": (40, 40, 240), "蓝色": (240, 60, 40), "зелёный": (40, 230, 40)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of 36 pictures, each of one colour, and with a mark or not."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.RandomState(0)
    Path("图片").mkdir()
    with Path("照片.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["文件", "颜色", "玩具", "年龄", "户外"])
        for row in range(36):
            color, marked = list(COLORS)[row % 3], rng.randint(2)
            picture = np.full((20, 20, 3), COLORS[color], np.uint8)
            picture[:6, :6] = 0 if marked else 255
            path = Path("图片", f"{row}.png")
            path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
            cells = [
                color,
                "球;绳子" if marked else "绳子",
                f"{row % 3 + 1}.5",
                "no yes".split()[marked],
            ]
            table.writerow([path.name, *(c if rng.rand() < 0.8 else "" for c in cells)])
    return tmp_path


def test_from_a_table_to_answers(folder, capsys):
    for line in (
        "convert 照片.csv --images 图片 --path-column 文件 --separator ; --prefix 数据/照片"
        " --split 训练=0.7,验证=0.3 --yes",
        "train 数据/照片_训练 --val 数据/照片_验证 --run 运行/一 --epochs 1 --frozen-epochs 1"
        " --data-shape 3,16,16 --batch-size 8 --threads 1 --heads hidden(units=8) --balance upgrad",
        "evaluate 运行/一 数据/照片_验证 -o 结果.csv",
        "tune 运行/一 数据/照片_验证 --min-labels 1",
        "report 运行/一 --records 数据/照片_验证 -o 报告.md",
        "export 运行/一 -o 模型.onnx --records 数据/照片_验证",
    ):
        assert main(line.split(" ")) == 0, (line, capsys.readouterr().err)
    image = cv2.imread("图片/0.png")[:, :, ::-1]
    of_run, of_onnx = (mxmtl.Predictor(name)([image])[0] for name in ("运行/一", "模型.onnx"))
    assert list(of_run.answers) == list(of_onnx.answers) == ["颜色", "玩具", "年龄", "户外"]
    for name in ("颜色", "玩具"):
        assert of_run.answers[name].answer == of_onnx.answers[name].answer
    assert "颜色" in Path("报告.md").read_text("utf-8")
    names = json.loads(Path("数据/照片_训练.tasks.json").read_text("utf-8"))
    assert "зелёный" in json.dumps(names, ensure_ascii=False)
