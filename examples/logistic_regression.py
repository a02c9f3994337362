"""Logistic regression on scikit-learn's breast cancer data: 569 tumours, 30 measurements of each.

python examples/logistic_regression.py [--device cuda]
"""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import autograd_iron as ai
import nn
from devices import from_command_line

STEPS = 1000
PENALTY = 0.01

device = from_command_line(__doc__)
measurements, benign = load_breast_cancer(return_X_y=True)
generator = ai.Generator(0)
order = generator.permutation(len(benign)).numpy()
train, test = order[:400], order[400:]

# Standardised by what the training set alone says.
mean, spread = measurements[train].mean(axis=0), measurements[train].std(axis=0)
x = ((measurements - mean) / spread).astype(np.float32)
y = benign[:, None].astype(np.float32)

model = nn.Linear(x.shape[1], 1, generator=generator).to(device)
cross_entropy = nn.BCEWithLogitsLoss()


def loss(logits: ai.Tensor, truth: ai.Tensor) -> ai.Tensor:
    return cross_entropy(logits, truth) + PENALTY / 2 * ai.sum(ai.square(model.weight))


def accuracy(rows: np.ndarray) -> float:
    with ai.no_grad():
        return float(np.mean((model(ai.asarray(x[rows], device=device)).numpy() > 0) == y[rows]))


optimizer = nn.SGD(model.parameters(), nn.CosineDecay(0.5, STEPS), momentum=0.9)
nn.fit(model, nn.Batches(x[train], y[train], device=device), loss, optimizer, steps=STEPS)

# The same objective in scikit-learn's words: it sums over the samples, and C weighs that sum.
reference = LogisticRegression(C=1 / (PENALTY * len(train)), tol=1e-8, max_iter=10_000)
reference.fit(x[train], benign[train])

print(f"right of    {len(train)} to train on  {len(test)} held out")
print(f"here        {accuracy(train):15.1%} {accuracy(test):13.1%}")
theirs = [reference.score(x[rows], benign[rows]) for rows in (train, test)]
print(f"scikit-learn{theirs[0]:15.1%} {theirs[1]:13.1%}")
difference = np.abs(model.weight.numpy()[0] - reference.coef_[0]).max()
print(f"largest difference between the weights: {difference:.1e}")
