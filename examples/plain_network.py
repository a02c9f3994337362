"""A tanh network, 2-50-50-100-50-25-25-25-1, learns a picture: its start decides how far it gets.

    python examples/plain_network.py [--start spread] [--lr 0.1] [--batch 1024] [--steps 3000] ...

`--out FILE.png` gets the picture, what is drawn before the first step, and after the last one.
"""

import argparse
import os
from itertools import pairwise

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the same bits on any number of cores

import numpy as np
from PIL import Image
from skimage import data

import autograd_iron as ai
import nn

SIZES = [2, 50, 50, 100, 50, 25, 25, 25, 1]
STARTS = {  # what the weights are drawn from
    "normal": lambda shape, generator, dtype: generator.normal(shape, 0.0, 1.0, dtype),
    "uniform": lambda shape, generator, dtype: generator.uniform(shape, -1.0, 1.0, dtype),
    "positive": lambda shape, generator, dtype: generator.uniform(shape, 0.0, 1.0, dtype),
    "small": lambda shape, generator, dtype: generator.normal(shape, 0.0, 0.01, dtype),
    "xavier": nn.init.xavier_uniform,
    "spread": lambda *given, dtype: nn.init.xavier_uniform(*given, gain=2.5, dtype=dtype),
}


def horse(outline: bool) -> np.ndarray:
    """Return (112, 136), 1 where it is black: scikit-image's horse, or the line around it alone."""
    image = Image.fromarray(data.horse()).convert("L").resize((136, 112), Image.Resampling.BOX)
    ink = np.asarray(image) < 128
    if outline:
        p = np.pad(ink, 1)
        ink &= ~(p[2:, 1:-1] & p[:-2, 1:-1] & p[1:-1, 2:] & p[1:-1, :-2])
    return ink.astype(np.float32)


def network(start: str, output: str, generator: ai.Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(SIZES):
        layers.append(nn.Linear(fan_in, fan_out, init=STARTS[start], generator=generator))
        layers.append(nn.Tanh())
    if start == "spread":  # steep edges in every direction, all over the sheet
        for parameter in layers[0].parameters():
            parameter.assign(generator.uniform(parameter.shape, -8.0, 8.0))
    return nn.Sequential(*layers if output == "tanh" else layers[:-1])


def print_layers(model: nn.Sequential, loss: nn.Module, x: np.ndarray, y: np.ndarray) -> None:
    """Print how far each layer tells pixels apart, and the gradient that comes back to it."""
    outputs, value = [], ai.asarray(x)
    for layer in model:
        outputs.append(value := layer(value))
    loss(value, ai.asarray(y)).backward()
    print("layer  differs over the sheet by  saturated  gradient")
    for index in range(0, len(outputs), 2):
        told = outputs[min(index + 1, len(outputs) - 1)].numpy()
        gradient = np.sqrt(np.mean(np.square(model[index].weight.grad.numpy(), dtype=float)))
        saturated = np.mean(np.abs(told) > 0.97) if index + 1 < len(outputs) else 0.0
        differs = told.std(axis=0, dtype=float).mean()
        print(f"{index // 2 + 1:5}  {differs:26.2g}  {saturated:9.1%}  {gradient:8.1e}")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--start", choices=STARTS, default="spread", help="what the weights start as")
parser.add_argument("--output", choices=["logit", "tanh"], default="logit", help="the last layer")
parser.add_argument("--picture", choices=["outline", "horse"], default="outline")
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--batch", type=int, default=1024)
parser.add_argument("--steps", type=int, default=3000)
parser.add_argument("--out", help="a PNG file")


def main(arguments: list[str] | None = None) -> None:
    options = parser.parse_args(arguments)
    ink = horse(options.picture == "outline")
    height, width = ink.shape
    row, column = np.indices(ink.shape).reshape(2, -1)
    x = np.stack([2 * column + 1 - width, 2 * row + 1 - height], 1).astype(np.float32) / width
    generator = ai.Generator(1)
    model = network(options.start, options.output, generator)
    y = ink.reshape(-1, 1)
    loss: nn.Module = nn.BCEWithLogitsLoss()
    if options.output == "tanh":  # from -1, white, to 1, black
        y, loss = 2 * y - 1, nn.MSELoss()

    def drawn() -> np.ndarray:
        with ai.no_grad():
            return model(x).numpy().reshape(ink.shape)

    before = drawn()
    print_layers(model, loss, x, y)
    optimizer = nn.SGD(model.parameters(), nn.CosineDecay(options.lr, options.steps), momentum=0.9)
    batches = nn.Batches(x, y, batch_size=options.batch, generator=generator)
    nn.fit(model, batches, loss, optimizer, steps=options.steps)

    after = drawn()
    black, truth = after > 0, ink > 0.5
    right = np.mean(black == truth)
    overlap = np.sum(black & truth) / np.sum(black | truth)
    if options.out:
        scale = 2 if options.output == "logit" else 1
        sheets = [ink, *((1 + np.tanh(value / scale)) / 2 for value in (before, after))]
        strip = np.hstack([np.pad(1 - sheet, 2, constant_values=0.8) for sheet in sheets])
        Image.fromarray(np.uint8(np.rint(255 * strip))).save(options.out, optimize=True)
    print(
        f"{right:.2%} of the pixels right, where {np.mean(~truth):.2%} are white; "
        f"IoU of the black {overlap:.2f}"
    )


if __name__ == "__main__":
    main()
