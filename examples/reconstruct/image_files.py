"""PNG, JPEG, WebP and whatever else Pillow reads."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from autograd_iron.support.files import read_regular
from reconstruct.csv_files import GREY_HEADER
from reconstruct.pictures import UserError

# What is wrong with a file is said once, by the error that is raised.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Drawings, and data, that other programs would have to make pixels of.
WITHOUT_PIXELS = ("BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF")
# What Pillow has from these is spread over all 16 bits; the others hold numbers as they were saved.
ALL_16_BITS = ("PNG", "PPM", "JPEG2000")
TAGS = PHOTOMETRIC, BITS, SAMPLE_FORMAT, PLANES = 262, 258, 339, 284  # of TIFF
WHITE_IS_ZERO, UNSIGNED, SIGNED, ONE_A_CHANNEL = 0, 1, 2, 2
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SAME = 16 / 255  # light that differs by no more is all one shade


def read_image(path: str) -> tuple[np.ndarray, str]:
    """Return the ink of a picture, (height, width, 1 or 3) float32; what is transparent is white.

    With it comes, in a few words, what had to be decided; empty where nothing had to be.

    Raises
    ------
    UserError
        It is not a picture, or is damaged.
    OSError
        The file cannot be read, or is a pipe or a device.
    """
    content = read_regular(Path(path))
    try:
        with warnings.catch_warnings():
            # Of large pictures, odd metadata and the like; what cannot be read still raises.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                if image.format in WITHOUT_PIXELS:
                    raise UserError(
                        f"{path} is of the kind {image.format}, which holds no pixels: save it as "
                        f"a PNG first"
                    )
                tags = _tags(image)
                if tags.get(PLANES) == ONE_A_CHANNEL and max(tags[BITS] or (1,)) > 8:
                    # Pillow takes them for planes of 8 bits.
                    raise UserError(
                        f"{path} is a TIFF that has its colours apart and more than 8 bits of "
                        f"each, which is not read: save it as a PNG first"
                    )
                light, how = _light(image, tags)
    except (UserError, MemoryError):
        raise
    except Image.UnidentifiedImageError:
        if content.startswith(TIFF_STARTS):
            raise UserError(
                f"{path} is a TIFF of a kind that is not read, or damaged: save it as a PNG first"
            ) from None
        raise UserError(
            f"{path} is not a picture: a PNG, JPEG or WebP is read, or a .csv file with the "
            f"header {','.join(GREY_HEADER)}"
        ) from None
    except Image.DecompressionBombError:
        raise UserError(f"{path} has too many pixels: make it smaller first") from None
    except Exception as error:  # decoders raise whatever the bytes lead them to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} is a damaged picture: {reason}") from None
    return 1.0 - light, how


def _tags(image: Image.Image) -> dict[int, Any]:
    return {tag: image.tag_v2.get(tag) for tag in TAGS} if image.format == "TIFF" else {}


def _light(image: Image.Image, tags: dict[int, Any]) -> tuple[np.ndarray, str]:
    """Return (height, width, 1 or 3) float32 from 0, black, to 1, white, and what was decided."""
    kind = image.format
    packed = str(image.tile[0][3]) if kind == "PNG" and image.tile else ""  # as in the file
    image.load()
    if 0 in image.size:
        raise ValueError("it has no pixels")
    key = image.info.get("transparency")
    image = _upright(image)
    how, alpha = "", None
    signed = image.mode == "L" and tags.get(SAMPLE_FORMAT) == (SIGNED,)
    if signed or image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image).view(np.int8) if signed else np.asarray(image)
        alpha = values != key if key is not None else None
        light, how = _scaled(values, image.mode, kind, tags)
    elif key is not None and image.mode in ("1", "L", "RGB"):
        values = np.atleast_3d(np.asarray(image.convert("RGB" if image.mode == "RGB" else "L")))
        # The file's own levels, of which Pillow makes 8-bit ones.
        keys = np.atleast_1d(key)
        for bits, factor in ((2, 85), (4, 17)):
            if f"L;{bits}" in packed:
                keys = (keys % (1 << bits)) * factor
        keys = keys >> 8 if "16" in packed else keys & 255
        alpha = (values != keys).any(axis=2)
        light = values / np.float32(255)
    elif image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA")) / np.float32(255)
        light, alpha = rgba[..., :3], rgba[..., 3]
    else:
        light = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
        light = light / np.float32(255)
    light = np.atleast_3d(light).astype(np.float32, copy=False)
    if alpha is not None:
        alpha = alpha[..., None].astype(np.float32)
        light = 1 - alpha * (1 - light)
        if np.ptp(light) <= SAME < np.ptp(alpha):
            how = "it is white on white: what is transparent is white"
    return light, how


def _upright(image: Image.Image) -> Image.Image:
    """Turn a photograph as its camera says; as it lies where that is damaged, as viewers do."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # metadata of any kind, damaged in any way
        return image


def _scaled(
    values: np.ndarray, mode: str, kind: str | None, tags: dict[int, Any]
) -> tuple[np.ndarray, str]:
    """Return numbers of more than 8 bits as light from 0 to 1, and what was taken for white."""
    if tags.get(BITS) == (32,) and tags.get(SAMPLE_FORMAT) in (None, (UNSIGNED,)):
        values = values.view(np.uint32)
    if not np.isfinite(values).all():
        raise ValueError("some of its values are infinite or not numbers")
    if (values < 0).mean() > 0.01:
        raise ValueError("some of its values are below 0, so what is black is not known")
    largest = float(values.max())
    if tags.get(BITS) == (12,):
        white = 4095.0
    elif (kind in ALL_16_BITS and mode != "F") or (mode.startswith("I;16") and largest <= 255):
        white = 65535.0
    else:
        # The usual ones; of numbers that are all far below, or above, the largest is white.
        usual = [1.0] * (mode == "F") + [255.0, 4095.0, 65535.0]
        if tags.get(SAMPLE_FORMAT) == (SIGNED,) and tags[BITS] in ((8,), (16,)):
            highest = 2.0 ** (tags[BITS][0] - 1) - 1
            usual = [top for top in usual if top < highest] + [highest]
        white = next((top for top in usual if largest <= top), largest)
        if white > 1 and 16 * largest < white:
            white = max(largest, 1.0)
    how = "" if white in (1.0, 65535.0) else f"{white:,g} is taken for white"
    light = np.clip(values / white, 0.0, 1.0)
    return (1.0 - light if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else light), how
