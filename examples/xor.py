"""XOR with a 2-4-1 network: the smallest problem that a single layer cannot solve.

python examples/xor.py [--device cuda]
"""

import autograd_iron as ai
import nn
from devices import from_command_line

device = from_command_line(__doc__)
inputs = ai.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], device=device)
truth = ai.tensor([[0.0], [1.0], [1.0], [0.0]], device=device)

generator = ai.Generator(0)
model = nn.Sequential(
    nn.Linear(2, 4, generator=generator),
    nn.Tanh(),
    nn.Linear(4, 1, generator=generator),
).to(device)
loss = nn.BCEWithLogitsLoss()
optimizer = nn.SGD(model.parameters(), lr=1.0)

for step in range(1, 1001):
    value = loss(model(inputs), truth)
    value.backward()
    optimizer.step()
    optimizer.zero_grad()
    if step in (1, 10, 100, 1000):
        print(f"step {step:4}: loss {float(value):.4f}")

with ai.no_grad():
    probabilities = ai.sigmoid(model(inputs))
for (a, b), probability in zip(inputs.numpy(), probabilities.numpy()[:, 0], strict=True):
    print(f"{a:.0f} xor {b:.0f}: 1 with probability {probability:.3f}")
right = int(((probabilities > 0.5) == (truth > 0.5)).astype("int64").sum())
print(f"{right} of 4 right")
