"""Samples of the operations that give the same values in another form."""

from __future__ import annotations

import numpy as np
from sampling import REAL, UNARY, Samples

SAMPLES: dict[str, Samples] = {}

COMPOSITES: dict[str, Samples] = {"copy": Samples((REAL,), UNARY, np.copy)}
