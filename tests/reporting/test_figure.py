"""Figures in a notebook."""

import mxmtl

import cv2
import numpy as np


def test_a_notebook_shows_the_figure_without_pyplot():
    tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors")])
    figure = mxmtl.show_batch((np.zeros((1, 8, 8, 3), np.uint8), np.array([[1]])), tasks)
    picture = cv2.imdecode(np.frombuffer(figure._repr_png_(), np.uint8), cv2.IMREAD_COLOR)
    assert picture.std() > 0
