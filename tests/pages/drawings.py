"""Pictures for the tests of the examples, drawn here."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))


def letter_f(height: int, width: int) -> np.ndarray:
    """Black and white as ink, no flip or turn of it the same."""
    ink = np.zeros((height, width), dtype=np.float32)
    ink[height // 8 : -height // 8, width // 8 : width // 4] = 1
    ink[height // 8 : height // 4, width // 8 : -width // 8] = 1
    ink[height // 2 : height // 2 + max(1, height // 8), width // 8 : width // 2] = 1
    return ink


def save(ink: np.ndarray, path: Path) -> Path:
    Image.fromarray(np.uint8(255 * (1 - ink))).save(path)
    return path


def line_art(side: int, width: int, smooth: int, seed: int) -> np.ndarray:
    """Return levels from 0 to 255 of curves and a filled triangle, their edges smooth or not."""
    random = np.random.default_rng(seed)
    large = side * smooth
    image = Image.new("L", (large, large), 255)
    pen = ImageDraw.Draw(image)
    for _ in range(max(4, side // 20)):
        (x, y), radius = random.uniform(0, large, 2), random.uniform(0.05, 0.4) * large
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, outline=0, width=width * smooth)
        pen.line(random.uniform(0, large, 4).tolist(), fill=0, width=width * smooth)
    pen.polygon([tuple(corner) for corner in random.uniform(0, large, (3, 2)).tolist()], fill=0)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


def text(side: int, height: int, lines: int = 1000) -> np.ndarray:
    """Return levels from 0 to 255 of words with smooth edges."""
    image = Image.new("L", (side, side), 255)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=height)
    for line in range(min(lines, side // height)):
        pen.text((2, 2 + 1.3 * height * line), f"{line} quick brown foxes jump " * 4, 0, font)
    return np.asarray(image)
