"""What a run leaves to look at: PNG pictures, the time-lapse, the comparison and the curves."""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from autograd_iron.support.files import read_regular
from nn.training.console import stderr
from reconstruct.pictures import write_whole

History = dict[str, list[tuple[int, float]]]

SMALLEST_SIDE = 240  # pixels of a picture with words below it: smaller ones are enlarged
BACKGROUND = 225
WORDS = 40
FRAME_MS = 90
LAST_FRAME_MS = 2500

AXES = {"loss": "loss", "accuracy": "pixels right", "psnr": "PSNR (dB)", "lr": "learning rate"}


def save_png(ink: np.ndarray, path: Path) -> None:
    """Write ink, (height, width, channels) from 0 to 1, as a PNG, grey or in colour."""
    _save(_image(ink), path, "PNG", optimize=True)


def save_timelapse(frames: dict[Path, str], path: Path) -> None:
    """Write PNG files, each with the words to put below it, as one animated GIF."""
    images = []
    for file, words in frames.items():
        try:
            images.append(_captioned(_open(file), words))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            print(f"{file} is no picture any more: the time-lapse goes without it", file=stderr)
    if not images:
        return
    times = [FRAME_MS] * (len(images) - 1) + [LAST_FRAME_MS]
    first, *rest = images
    _save(first, path, "GIF", save_all=True, append_images=rest, duration=times, loop=0)


def save_comparison(pairs: list[tuple[np.ndarray, str]], path: Path) -> None:
    """Write pictures of the same size side by side, each with words below it."""
    images = [_captioned(_image(ink), words) for ink, words in pairs]
    gap = 12
    width = sum(image.width for image in images) + gap * (len(images) + 1)
    sheet = Image.new(images[0].mode, (width, images[0].height + gap), _grey(images[0], BACKGROUND))
    left = gap
    for image in images:
        sheet.paste(image, (left, gap))
        left += image.width + gap
    _save(sheet, path, "PNG", optimize=True)


def save_curves(history: History, title: str, path: Path) -> None:
    """Write one curve below the other over the steps: loss, score and learning rate."""
    from matplotlib.figure import Figure  # without pyplot, which looks for a screen

    names = [name for name in AXES if name in history]
    figure = Figure(figsize=(7, 7.5))
    # A layout that matplotlib finds by itself costs as much as the drawing.
    room = {"left": 0.13, "right": 0.97, "bottom": 0.07, "top": 0.94, "hspace": 0.12}
    all_axes = figure.subplots(len(names), 1, sharex=True, gridspec_kw=room)
    for axes, name in zip(all_axes, names, strict=True):
        steps, values = zip(*history[name], strict=True)
        axes.plot(steps, values, color="#24527a", linewidth=1.6)
        axes.set_ylabel(AXES[name])
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if name == "loss" and min(values) > 0:
            axes.set_yscale("log")
        if name == "accuracy":
            axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
        if name == "lr":
            axes.set_ylim(bottom=0)
    all_axes[-1].set_xlabel("step")
    # A name may hold what would be a formula, and letters that the font lacks.
    figure.suptitle(title, parse_math=False, usetex=False)
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(content, format="png", dpi=120)
    write_whole(path, content.getvalue())


def _image(ink: np.ndarray) -> Image.Image:
    light = np.rint(255.0 * (1.0 - ink)).astype(np.uint8)
    return Image.fromarray(light[..., 0] if light.shape[2] == 1 else light)


def _open(path: Path) -> Image.Image:
    with Image.open(io.BytesIO(read_regular(path))) as image:
        return image.copy()


def _captioned(image: Image.Image, words: str) -> Image.Image:
    """Return the picture, enlarged by a whole factor if it is small, above a line of words."""
    factor = math.ceil(SMALLEST_SIDE / max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    font = ImageFont.load_default(size=14)
    strip = 26
    size = max(image.width, SMALLEST_SIDE), image.height + strip
    sheet = Image.new(image.mode, size, _grey(image, BACKGROUND))
    sheet.paste(image, ((sheet.width - image.width) // 2, 0))
    ImageDraw.Draw(sheet).text(
        (sheet.width / 2, image.height + strip / 2), words, _grey(image, WORDS), font, "mm"
    )
    return sheet


def _grey(image: Image.Image, level: int) -> tuple[int, ...]:
    """Return a shade of grey as a picture of this mode has it."""
    return (level,) * len(image.getbands())


def _save(image: Image.Image, path: Path, kind: str, **options: object) -> None:
    content = io.BytesIO()
    image.save(content, kind, **options)
    write_whole(path, content.getvalue())
