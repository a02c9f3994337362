"""A SIREN learns a photograph: how the weights of its sine layers start decides whether it can.

    python examples/siren_start.py [--without-factor] [--omega 30] [--scale 1] [--lr 0.001] ...

`--out FILE.png` gets the photograph, what is learned of it, and what each sine is given at first.
"""

import argparse
import io
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the same bits on any number of cores

import numpy as np
from PIL import Image
from skimage import data

import autograd_iron as ai
import nn

SIDE = 96  # pixels

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--without-factor", action="store_true", help="no 1 / omega in hidden weights")
parser.add_argument("--omega", type=float, default=30.0, help="of sin(omega (x @ weight.T + bias))")
parser.add_argument("--scale", type=float, default=1.0, help="times all weights but the last")
parser.add_argument("--lr", type=float, default=0.001, help="of Adam, falling to 0")
parser.add_argument("--steps", type=int, default=150)
parser.add_argument("--out", help="a PNG file")


def photograph(side: int) -> np.ndarray:
    """Return scikit-image's photographer, (side, side) from -1, black, to 1, white."""
    image = Image.fromarray(data.camera()).resize((side, side), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float32) / 127.5 - 1


def points(side: int) -> np.ndarray:
    """Return the centres of the pixels, row by row, from -1 to 1."""
    centres = (2 * np.arange(side, dtype=np.float32) + 1) / side - 1
    return np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2)


def psnr(learned: np.ndarray, truth: np.ndarray) -> float:
    return -10 * np.log10(np.mean(np.square(learned - truth, dtype=float)) / 4)


def network(omega: float, with_factor: bool, scale: float) -> nn.SIREN:
    model = nn.SIREN(
        2, 128, hidden_layers=3, out_features=1, omega_0=omega, generator=ai.Generator(5)
    )
    first, *hidden, _ = (layer for layer in model if isinstance(layer, nn.Linear))
    for layer in hidden:
        layer.weight.assign(layer.weight * (scale if with_factor else scale * omega))
    first.weight.assign(first.weight * scale)
    return model


def phases(model: nn.SIREN, x: np.ndarray) -> list[np.ndarray]:
    """Return what each sine layer takes the sine of, in radians, (SIDE, SIDE, features)."""
    found, value = [], ai.asarray(x)
    with ai.no_grad():
        for layer in model:
            if isinstance(layer, nn.Sine):
                found.append(layer.omega * value.numpy().reshape(SIDE, SIDE, -1))
            value = layer(value)
    return found


def alike(values: np.ndarray) -> float:
    """Return the correlation of pixels with their right-hand neighbours, 1 when they are alike."""
    values = values - values.mean(axis=(0, 1))
    left, right = values[:, :-1], values[:, 1:]
    return float(np.sum(left * right) / np.sqrt(np.sum(left**2) * np.sum(right**2)))


def save(sheets: dict[str, np.ndarray], found: list[np.ndarray], path: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.6), layout="constrained")
    axes = figure.subplots(1, len(sheets) + len(found))
    for place, (words, sheet) in zip(axes, sheets.items(), strict=False):
        place.imshow(sheet, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        place.set_title(words, fontsize=8)
        place.axis("off")
    for number, (place, values) in enumerate(zip(axes[len(sheets) :], found, strict=True), 1):
        place.hist(values.ravel(), bins=np.linspace(-60, 60, 61), color="#444444")
        place.set_title(f"sine {number}: ±{values.std():.1f}", fontsize=8)
        place.set_yticks([])
        place.tick_params(labelsize=7)
    content = io.BytesIO()
    figure.savefig(content, dpi=100)
    Image.open(content).convert("L").save(path, optimize=True)


def main(arguments: list[str] | None = None) -> None:
    options = parser.parse_args(arguments)
    truth, x = photograph(SIDE), points(SIDE)
    model = network(options.omega, not options.without_factor, options.scale)
    found = phases(model, x)
    print("sine  radians  neighbours alike")
    for number, values in enumerate(found, 1):
        print(f"{number:4}  {values.std():7.2f}  {alike(np.sin(values)):16.2f}")
    optimizer = nn.Adam(model.parameters(), nn.CosineDecay(options.lr, options.steps))
    batches = nn.Batches(x, truth.reshape(-1, 1), batch_size=2304, generator=ai.Generator(5))
    nn.fit(model, batches, nn.MSELoss(), optimizer, steps=options.steps)

    def drawn(side: int) -> np.ndarray:
        with ai.no_grad():
            return np.clip(model(points(side)).numpy().reshape(side, side), -1, 1)

    learned = psnr(drawn(SIDE), truth)
    between = psnr(drawn(2 * SIDE), photograph(2 * SIDE))
    if options.out:
        head = drawn(2 * SIDE)[SIDE // 4 :, SIDE // 2 :][:SIDE, :SIDE]
        sheets = {
            "the photograph": truth,
            f"learned: {learned:.1f} dB": drawn(SIDE),
            f"twice: {between:.1f} dB": head,
        }
        save(sheets, found, options.out)
    bicubic = Image.fromarray(truth).resize((2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC)
    theirs = psnr(np.clip(np.asarray(bicubic), -1, 1), photograph(2 * SIDE))
    print(
        f"PSNR {learned:.1f} dB, drawn at twice the size {between:.1f} dB "
        f"(bicubic: {theirs:.1f} dB)"
    )


if __name__ == "__main__":
    main()
