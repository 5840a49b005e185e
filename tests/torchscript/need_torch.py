"""torch and torchvision, or an end with 77, which means skipped, and a line that says why.

Import it before them.
"""

import os
import sys
import warnings

# Before LibTorch and its BLAS are loaded, which read it once: results do not depend on the machine.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

SKIPPED = 77


def skip(reason):
    print(f"skipped: {reason}", file=sys.stderr)
    sys.exit(SKIPPED)


try:
    import torch
except ImportError:
    skip(f"{sys.executable} has no torch (Debian: python3-torch)")
try:
    import torchvision  # noqa: F401
except ImportError:
    skip(f"{sys.executable} has no torchvision (Debian: python3-torchvision)")

torch.set_num_threads(1)
# What the tracer says of branches that depend on shapes, and torchvision of its own future.
warnings.filterwarnings("ignore", category=UserWarning)
warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
