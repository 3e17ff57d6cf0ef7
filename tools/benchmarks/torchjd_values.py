"""Run by an interpreter that has torchjd: read Gramians, print the weights of its aggregators.

python tools/benchmarks/torchjd_values.py GRAMIANS.npz     # prints {name: {array: weights}}
"""

import json
import sys
import warnings

import numpy as np
import torch
from torchjd import aggregation as jd


def main(path: str) -> None:
    found: dict[str, dict[str, list[float]]] = {}
    for key, matrix in np.load(path).items():  # rows of a Jacobian each
        J = torch.from_numpy(matrix)
        methods = {
            "aligned_mtl": jd.AlignedMTL(),
            "cagrad": jd.CAGrad(c=0.5),
            "config": jd.ConFIG(),
            "dualproj": jd.DualProj(),
            "fairgrad": jd.FairGrad(alpha=1.0),
            "gradvac": jd.GradVac(),
            "imtl_g": jd.IMTLG(),
            "mgda": jd.MGDA(epsilon=1e-12, max_iters=20_000),
            "nash_mtl": jd.NashMTL(n_tasks=len(J), optim_niter=200),
            "pcgrad": jd.PCGrad(),
            "upgrad": jd.UPGrad(),
        }
        for name, aggregator in methods.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of cvxpy, about how fast it is
                mixture = aggregator(J)
            # The same mixture of the rows, whatever the aggregator calls its weights.
            found.setdefault(name, {})[key] = mixture.double().tolist()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
