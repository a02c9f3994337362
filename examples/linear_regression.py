"""Linear regression by gradient descent, beside the solution in closed form.

python examples/linear_regression.py [--device cuda]
"""

import numpy as np

import autograd_iron as ai
import nn
from devices import from_command_line

SAMPLES = 500
TRUE_WEIGHT, TRUE_BIAS = [1.5, -2.0, 0.5], 3.0

device = from_command_line(__doc__)
generator = ai.Generator(0)
x = generator.normal((SAMPLES, 3), device=device)
noise = generator.normal((SAMPLES, 1), std=0.1, device=device)
y = x @ ai.tensor(TRUE_WEIGHT, device=device).reshape(3, 1) + TRUE_BIAS + noise

model = nn.Linear(3, 1, generator=generator).to(device)
run = nn.fit(model, nn.Batches(x, y), nn.MSELoss(), nn.SGD(model.parameters(), lr=0.1), steps=200)
learned = [*model.weight.numpy()[0], *model.bias.numpy()]

with_ones = np.column_stack([x.numpy(), np.ones(SAMPLES)]).astype(np.float64)
exact = np.linalg.lstsq(with_ones, y.numpy()[:, 0].astype(np.float64))[0]

print(f"after {run.step} steps  true  learned  closed form")
for name, true, ours, theirs in zip(
    ["weight 0", "weight 1", "weight 2", "bias"],
    [*TRUE_WEIGHT, TRUE_BIAS],
    learned,
    exact,
    strict=True,
):
    print(f"{name:15}{true:6.1f} {ours:8.4f} {theirs:12.4f}")
difference = float(np.abs(np.subtract(learned, exact)).max())
print(f"largest difference from the closed form: {difference:.1e}")
