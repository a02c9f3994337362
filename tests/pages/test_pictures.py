"""Pictures in: what is read from files, and what it is taken for."""

import io
import os
import socket
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tifffile
from drawings import letter_f, line_art, save, text
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from skimage import data

import reconstruct_image
from reconstruct.csv_files import write_csv
from reconstruct.loading import as_picture, load
from reconstruct.pictures import Kind, Picture, UserError

DARK, LIGHT = 40, 220
KINDS: tuple[Kind, ...] = ("black and white", "grey", "colour")


def through(
    levels: np.ndarray, file: Literal["JPEG", "WEBP", "PNG"], quality: int = 75
) -> np.ndarray:
    """Return levels as they come back from a file of a kind that loses some."""
    content = io.BytesIO()
    Image.fromarray(levels).save(content, file, quality=quality)
    return np.asarray(Image.open(content))


def taken_for(levels: np.ndarray) -> Picture:
    ink = 1 - np.atleast_3d(levels).astype(np.float32) / 255
    return as_picture("any", ink)


# --- kinds

DRAWINGS: dict[str, Callable[[], np.ndarray]] = {
    "hard lines": lambda: line_art(200, 2, smooth=1, seed=0),
    "smooth lines": lambda: line_art(200, 2, smooth=4, seed=1),
    "thin smooth lines": lambda: line_art(300, 1, smooth=4, seed=2),
    "large": lambda: line_art(474, 3, smooth=3, seed=3),
    "small": lambda: line_art(50, 1, smooth=1, seed=4),
    "small text": lambda: text(200, 10),
    "text": lambda: text(300, 16),
    "a line of text": lambda: text(400, 14, lines=1),
    "horse": lambda: np.uint8(255 * data.horse()[::2, ::2]),
    "checkerboard": data.checkerboard,
    "halftone": lambda: (
        np.asarray(Image.fromarray(data.camera()[::2, ::2]).convert("1"), np.uint8) * np.uint8(255)
    ),
    "dot": lambda: np.pad(np.zeros((3, 3), np.uint8), 100, constant_values=255),
}


@pytest.fixture(scope="module", params=DRAWINGS)
def drawing(request: pytest.FixtureRequest) -> np.ndarray:
    return DRAWINGS[request.param]()


@pytest.mark.parametrize("white_on_black", [False, True])
@pytest.mark.parametrize(
    ("file", "quality"),
    [("PNG", 0), ("JPEG", 30), ("JPEG", 85), ("WEBP", 50)],
)
def test_compressed_black_and_white_stays_what_it_was(
    drawing: np.ndarray, file: Literal["JPEG", "WEBP", "PNG"], quality: int, white_on_black: bool
) -> None:
    if white_on_black:
        drawing = 255 - drawing
    picture = taken_for(through(drawing, file, quality))
    assert picture.kind == "black and white"
    # What is neither black nor white may be taken for either.
    sure = (drawing < 20) | (drawing > 235)
    wrong = (picture.ink[..., 0] != (drawing < 128))[sure].mean()
    assert wrong < (0.02 if quality < 50 else 0.005)


@pytest.mark.parametrize(("black", "white"), [(0, 200), (60, 210), (30, 170), (100, 250)])
def test_two_levels_need_not_be_black_and_white(
    drawing: np.ndarray, black: int, white: int
) -> None:
    levels = np.uint8(black + drawing / 255.0 * (white - black))
    assert taken_for(through(levels, "JPEG", 80)).kind == "black and white"


@pytest.mark.parametrize("darker", [0.0, 0.15])
def test_a_scan_on_unevenly_lit_paper_is_black_and_white(
    drawing: np.ndarray, darker: float
) -> None:
    down, across = np.meshgrid(*(np.linspace(0, 1, side) for side in drawing.shape), indexing="ij")
    light = 1 - darker * (0.7 * across + 0.3 * down)
    noise = np.random.default_rng(0).normal(0, 3, drawing.shape)
    levels = np.uint8(np.clip((30 + drawing / 255 * 205) * light + noise, 0, 255))
    picture = taken_for(through(levels, "JPEG", 85))
    assert picture.kind == "black and white"
    sure = (drawing < 20) | (drawing > 235)
    assert (picture.ink[..., 0] != (drawing < 128))[sure].mean() < 0.002


@settings(max_examples=40)
@given(
    st.integers(40, 300),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 10**6),
    st.integers(30, 95),
    st.sampled_from(["JPEG", "WEBP"]),
)
def test_any_line_art_is_black_and_white(
    side: int, width: int, smooth: int, seed: int, quality: int, file: Literal["JPEG", "WEBP"]
) -> None:
    levels = through(line_art(side, width, smooth, seed), file, quality)
    assert taken_for(levels).kind == "black and white"


PHOTOGRAPHS = {
    **{
        name: getattr(data, name)
        for name in ("brick", "camera", "coins", "clock", "grass", "gravel", "moon", "page", "text")
    },
    "cell": data.cell,
    "cat in grey": lambda: np.asarray(Image.fromarray(data.cat()).convert("L")),
    "coffee in grey": lambda: np.asarray(Image.fromarray(data.coffee()).convert("L")),
    "retina in grey": lambda: np.asarray(Image.fromarray(data.retina()[::3, ::3]).convert("L")),
    "phantom": lambda: np.uint8(255 * data.shepp_logan_phantom()),
}


@pytest.mark.parametrize("longer", [None, 200, 60])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_stay_grey(name: str, longer: int | None) -> None:
    levels = PHOTOGRAPHS[name]()
    if longer is not None:
        scale = longer / max(levels.shape)
        size = (round(levels.shape[1] * scale), round(levels.shape[0] * scale))
        levels = np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.LANCZOS))
    for again in (levels, through(levels, "JPEG", 40)):
        assert taken_for(again).kind == "grey"


def bands(*levels: int) -> np.ndarray:
    return np.tile(np.repeat(np.uint8(levels), 40), (120, 1))


def with_a_patch() -> np.ndarray:
    levels = line_art(200, 2, smooth=4, seed=5).copy()
    levels[20:36, 20:36] = np.minimum(levels[20:36, 20:36], 140)
    return levels


def halves() -> np.ndarray:
    """A bright sky over dark ground, each with shades of its own."""
    down, across = np.mgrid[:200, :200]
    noise = np.random.default_rng(0).normal(0, 6, (200, 200))
    return np.uint8(
        np.clip(np.where(down < 90, 230 - down * 0.6, 30 + across * 0.3) + noise, 0, 255)
    )


SHADES: dict[str, Callable[[], np.ndarray]] = {
    "three bands": lambda: bands(0, 128, 255),
    "four bands": lambda: bands(10, 80, 160, 250),
    "eight bands": lambda: bands(*range(0, 256, 36)),
    "three levels anywhere": lambda: np.random.default_rng(0).choice(
        np.uint8([0, 128, 255]), (90, 120)
    ),
    "a grey patch": with_a_patch,
    "halves": halves,
    "ramp": lambda: np.tile(np.arange(256, dtype=np.uint8), (90, 1)),
    "soft edge": lambda: np.tile(np.uint8(255 / (1 + np.exp(-np.linspace(-20, 20, 200)))), (90, 1)),
    "noise": lambda: np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8),
    "one shade": lambda: np.full((30, 40), 128, np.uint8),
}


@pytest.mark.parametrize("name", SHADES)
def test_more_than_two_levels_stay_grey(name: str) -> None:
    levels = SHADES[name]()
    for again in (levels, through(levels, "JPEG", 60), through(levels, "WEBP", 60)):
        assert taken_for(again).kind == "grey"


COLOURED = ("astronaut", "cat", "coffee", "colorwheel", "immunohistochemistry", "retina", "rocket")


@pytest.mark.parametrize("name", COLOURED)
def test_photographs_in_colour_are_learned_in_colour(name: str) -> None:
    image = Image.fromarray(getattr(data, name)()[..., :3])
    image.thumbnail((256, 256))
    picture = taken_for(through(np.asarray(image), "JPEG", 60))
    assert picture.kind == "colour"
    assert picture.ink.shape == (image.height, image.width, 3)


@pytest.mark.parametrize("name", ["camera", "coins", "brick", "page"])
@pytest.mark.parametrize(("file", "quality"), [("JPEG", 20), ("WEBP", 20)])
def test_noise_in_the_channels_is_no_colour(
    name: str, file: Literal["JPEG", "WEBP"], quality: int
) -> None:
    levels = np.repeat(getattr(data, name)()[:256, :256, None], 3, axis=2)
    assert taken_for(through(levels, file, quality)).kind == "grey"
    noise = np.random.default_rng(0).normal(0, 8, levels.shape)
    noisy = np.uint8(np.clip(levels + noise, 0, 255))
    assert taken_for(through(noisy, file, quality)).kind == "grey"
    assert taken_for(np.uint8(levels * [1, 0.88, 0.7])).kind == "colour"  # sepia


def test_a_drawing_with_one_red_dot_is_in_colour() -> None:
    levels = np.repeat(line_art(200, 2, 1, 0)[..., None], 3, axis=2)
    assert taken_for(levels).kind == "black and white"
    levels[50:53, 60:63] = 255, 0, 0
    assert taken_for(through(levels, "JPEG", 75)).kind == "colour"


def test_the_user_says_what_it_is(tmp_path: Path) -> None:
    path = str(tmp_path / "camera.png")
    Image.fromarray(data.camera()).save(path)
    assert load(path).kind == "grey"
    picture = load(path, "black and white")
    assert (picture.kind, picture.threshold) == ("black and white", 103)  # as in the literature
    np.testing.assert_array_equal(picture.ink[..., 0], data.camera() < 103)
    picture = load(path, threshold=50)
    np.testing.assert_array_equal(picture.ink[..., 0], data.camera() < 50)
    assert picture.how == "black is darker than 50 of 255"
    in_colour = load(path, "colour")
    assert in_colour.ink.shape == (512, 512, 3)
    np.testing.assert_array_equal(in_colour.ink[..., :1], load(path).ink)
    np.testing.assert_array_equal(in_colour.ink[..., 2:], load(path).ink)

    Image.fromarray(data.astronaut()).save(path)
    assert load(path).kind == "colour"
    np.testing.assert_array_equal(load(path).ink, 1 - data.astronaut() / np.float32(255))
    grey = load(path, "grey")
    luminance = np.asarray(Image.fromarray(data.astronaut()).convert("L"))
    np.testing.assert_allclose(grey.ink[..., 0], 1 - luminance / 255, atol=0.6 / 255)
    assert load(path, threshold=128).kind == "black and white"


def test_a_sheet_of_one_level() -> None:
    for level, ink in ((255, 0), (0, 1)):
        picture = taken_for(np.full((20, 30), level, np.uint8))
        assert (picture.kind, picture.how) == ("black and white", "")
        assert (picture.ink == ink).all()
    sheet = np.full((20, 30, 1), 0.5, np.float32)
    assert as_picture("any", sheet, "black and white").ink.mean() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_resized(kind: Kind) -> None:
    picture = as_picture("astronaut", 1 - data.astronaut() / np.float32(255), kind)
    smaller = picture.resized(64)
    assert smaller.ink.shape == (64, 64, picture.channels)
    assert smaller.ink.dtype == np.float32
    if kind == "black and white":
        assert set(np.unique(smaller.ink)) == {0, 1}
    blocks = picture.ink.reshape(64, 8, 64, 8, -1).mean(axis=(1, 3))
    assert np.abs(smaller.ink - blocks).mean() < (0.15 if kind == "black and white" else 0.02)


@pytest.mark.parametrize("white_on_black", [False, True])
@pytest.mark.parametrize("of", [line_art(474, 1, 3, 0), text(474, 14)], ids=["lines", "text"])
def test_thin_lines_are_not_lost_when_a_picture_is_made_smaller(
    of: np.ndarray, white_on_black: bool
) -> None:
    picture = taken_for(of)
    assert picture.kind == "black and white"
    if white_on_black:
        picture = replace(picture, ink=1 - picture.ink)
    smaller = picture.resized(200)
    assert smaller.how.endswith("resized from 474 x 474")
    lines, kept = ((1 - p.ink if white_on_black else p.ink).mean() for p in (picture, smaller))
    assert kept > lines


# --- CSV


@given(
    st.sampled_from(KINDS).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            arrays(
                np.float32,
                st.tuples(
                    st.integers(1, 5), st.integers(1, 5), st.just(3 if kind == "colour" else 1)
                ),
                elements=st.sampled_from([0.0, 1.0])
                if kind == "black and white"
                else st.floats(0, 1, width=32) | st.sampled_from([0.0, 1.0]),
            ),
        )
    )
)
def test_csv_gives_back_every_pixel(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[Kind, np.ndarray]
) -> None:
    kind, ink = drawn
    path = tmp_path_factory.mktemp("csv") / "pixels.csv"
    write_csv(Picture("any", ink, kind), path)
    again = load(str(path), kind)
    np.testing.assert_array_equal(again.ink, ink)
    assert again.ink.dtype == np.float32


@pytest.mark.parametrize("name", ["horse", "camera", "astronaut"])
def test_a_picture_as_csv_is_the_same_picture(name: str, tmp_path: Path) -> None:
    image = Image.fromarray(getattr(data, name)())
    image.thumbnail((60, 60))
    image.save(tmp_path / "picture.png")
    picture = load(str(tmp_path / "picture.png"))
    write_csv(picture, tmp_path / "picture.csv")
    again = load(str(tmp_path / "picture.csv"))
    assert again.kind == picture.kind
    np.testing.assert_array_equal(again.ink, picture.ink)


GRID = "x,y,pixel_value\n0,0,0\n1,0,1\n0,1,1\n1,1,0\n"


@pytest.mark.parametrize(
    "text",
    [
        GRID,
        GRID.replace("\n", "\r\n"),
        "\ufeff" + GRID,
        "x, y, pixel_value\n1,1,0\n\n0,1,1\n1,0,1.0\n0.0,0,0e0\n",
        "name,pixel_value,y,x\na,0,0,0\nb,1,0,1\nc,1,1,0\nd,0,1,1\n",
        "name,x,y,r,g,b,name\na,0,0,1,1,1,\nb,1,0,0,0,0,\nc,0,1,0,0,0,\nd,1,1,1,1.0,1e0,\n",
        "\ufeff" + GRID.replace(",", ";").replace("1\n", "1,0\n").replace("\n", "\r\n"),
        GRID.replace(",", "\t"),
        "X,Y,Pixel_Value,,\n0,0,0,,\n1,0,1,\n0,1,1\n1,1,0, ,\n,,,,\n  \n",
        '"x", "y", "pixel_value"\n"0", "0", "0"\n"1","0" ,"1"\n0,1,"1"\n1,1,0\n',
    ],
    ids=[
        *("plain", "windows", "byte order mark", "any order", "more columns", "colours"),
        *("commas in numbers", "tabs", "nothing after the others", "quotes"),
    ],
)
def test_csv_files_that_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "grid.csv"
    path.write_bytes(text.encode())
    np.testing.assert_array_equal(load(str(path)).ink[..., 0], [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header has no x and no y and no pixel_value; it must be x,y,pixel_value"),
        ("x,y\n0,0\n", "line 1: the header has no pixel_value"),
        ("0,0,1\n", "line 1: the header has no x"),
        ("x,y,pixel_value\n", "line 1: there are no pixels below the header"),
        (GRID.replace("1,0,1\n", ""), "ends at line 4 without the pixel x=1, y=0: 2 x 2 pixels"),
        (GRID.replace("0,0,0\n", ""), "ends at line 4 without the pixel x=0, y=0: 2 x 2 pixels"),
        (GRID + "3,0,1\n0,2,1\n", "ends at line 7 without the pixel x=2, y=0: 4 x 3 pixels"),
        ("x,y,pixel_value\n1,1,0\n", "x=0, y=0: 2 x 2 pixels, counted from 0, need 4 lines"),
        (GRID + "0,0,1\n1,0,1\n", "line 6: the pixel x=0, y=0 comes a second time, after line 2"),
        (GRID + "0,1,1\n", "line 6: the pixel x=0, y=1 comes a second time, after line 4"),
        (GRID + "9999,9999,1\n", "ends at line 6 without the pixel x=2, y=0"),
        (GRID + "2,two,1\n", "line 6: y is 'two', not a whole number"),
        (GRID + "2.5,0,1\n", "line 6: x is '2.5', not a whole number"),
        (GRID + "-1,0,1\n", "line 6: x is '-1', not a whole number"),
        (GRID + "1e999,0,1\n", "line 6: x is '1e999', not a whole number"),
        (GRID + "2,0,0" + "1" * 9999 + "\n", f"line 6: pixel_value is '0{'1' * 39}'..., not a num"),
        (GRID + '2,0,"1\n' + "0,0,0\n" * 99, "line 105: pixel_value is '1\\n0,0"),
        (GRID + "1e99,0,1\n", "line 6: x is '1e99', not a whole number from 0 to 999,999"),
        (GRID + "inf,0,1\n", "line 6: x is 'inf', not a whole number"),
        (GRID + "2,0,black\n", "line 6: pixel_value is 'black', not a number from 0"),
        (GRID + "2,0,255\n", "line 6: pixel_value is '255', not a number from 0"),
        (GRID + "2,0,nan\n", "line 6: pixel_value is 'nan', not a number from 0"),
        (GRID + "2,0,\n", "line 6: pixel_value is '', not a number from 0"),
        (GRID + "2,0\n", "line 6: 3 values are needed, and there are 2"),
        (
            GRID + "2,0,\udcff\n",
            "line 6: this is not the text of a CSV file in UTF-8: if it is text",
        ),
        (GRID + "2,0,1_0\n", "line 6: pixel_value is '1_0', not a number from 0"),
        (GRID + "2,0,0_1\n", "line 6: pixel_value is '0_1', not a number from 0"),
        (GRID + "1_0,0,1\n", "line 6: x is '1_0', not a whole number"),
        (GRID + "٢,0,1\n", "line 6: x is '٢', not a whole number"),
        (GRID + "2,0,-inf\n", "line 6: pixel_value is '-inf', not a number from 0"),
        (GRID + "2,0,0x1\n", "line 6: pixel_value is '0x1', not a number from 0"),
        (GRID + "2,0,1\0\n", "line 6: "),
        ("x,x,y,pixel_value\n0,0,0,1\n", "line 1: the header has x 2 times"),
        ("x,y,pixel_value, pixel_value\n0,0,0,1\n", "line 1: the header has pixel_value 2 times"),
        ("x,y,r,g\n0,0,1,1\n", "line 1: the header has no b; it must be x,y,r,g,b"),
        ("x,y,r,g,b,g\n0,0,1,1,1,1\n", "line 1: the header has g 2 times"),
        (
            "x,y,r,g,b,pixel_value\n0,0,1,1,1,0\n",
            "line 1: the header has both pixel_value and r,g,b",
        ),
        ("x,y,r,g,b\n0,0,1,255,1\n", "line 2: g is '255', not a number from 0 to 1, which is full"),
        ("x,y,r,g,b\n0,0,1,1,nan\n", "line 2: b is 'nan', not a number from 0 to 1"),
    ],
)
def test_csv_mistakes_are_named_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "grid.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError) as refused:
        load(str(path))
    assert str(path) in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_csv_in_another_encoding_is_named_as_such(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "grid.csv"
    path.write_bytes(("name," + GRID.replace("\n", "\nGrün,")).encode(encoding))
    with pytest.raises(UserError, match=r"UTF-16|in Latin-1, say, save it as UTF-8"):
        load(str(path))


def test_a_picture_named_as_csv_is_no_text(tmp_path: Path) -> None:
    path = save(letter_f(6, 6), tmp_path / "f.png").rename(tmp_path / "f.csv")
    with pytest.raises(UserError, match="not the text of a CSV file"):
        load(str(path))


@pytest.mark.parametrize("suffix", [".csv", ".png"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, suffix: str) -> None:
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    link = tmp_path / f"link{suffix}"
    link.symlink_to("/dev/zero")
    loop = tmp_path / f"loop{suffix}"
    loop.symlink_to(loop)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / f"s{suffix}"))
        for path in (pipe, link, loop, tmp_path / f"s{suffix}", Path("/dev/null"), folder):
            with pytest.raises(UserError, match=r"cannot be read: |is a folder"):
                load(str(path))


def test_to_csv_writes_the_picture_at_its_size_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ink = letter_f(16, 24)
    save(ink, Path("f.png"))
    assert reconstruct_image.main(["f.png", "--to-csv", "f.csv"]) == 0
    assert "24 x 16 pixels" in capsys.readouterr().out
    assert sorted(os.listdir()) == ["f.csv", "f.png"]
    lines = Path("f.csv").read_text().splitlines()
    assert lines[0] == "x,y,pixel_value"
    assert lines[1 + 24 * 3 + 4] == f"4,3,{ink[3, 4]:.0f}" == "4,3,1"
    np.testing.assert_array_equal(load("f.csv").ink[..., 0], ink)

    assert reconstruct_image.main(["f.png", "--size", "12", "--to-csv", "half.csv"]) == 0
    assert len(Path("half.csv").read_text().splitlines()) == 1 + 12 * 8


# --- pictures of every kind


def rgba(alpha: int) -> Image.Image:
    return Image.new("RGBA", (3, 2), (0, 0, 0, alpha))


def palette() -> Image.Image:
    image = Image.new("P", (3, 2), 1)
    image.putpalette([255, 0, 0, LIGHT, LIGHT, LIGHT])
    return image


def deep(value: int) -> Image.Image:
    return Image.fromarray(np.full((2, 3), value, dtype=np.uint16))


FILES: dict[str, tuple[Callable[[], Image.Image], str, float]] = {
    "grey": (lambda: Image.new("L", (3, 2), LIGHT), "png", LIGHT / 255),
    "transparent": (lambda: rgba(0), "png", 1.0),
    "half transparent": (lambda: rgba(128), "webp", 127 / 255),
    "grey with alpha": (lambda: Image.new("LA", (3, 2), (0, 0)), "png", 1.0),
    "palette": (palette, "png", LIGHT / 255),
    "16 bits": (lambda: deep(20_000), "png", 20_000 / 65_535),
    "16 bits, dark": (lambda: deep(200), "tiff", 200 / 65_535),
    "32 bits": (lambda: Image.new("I", (3, 2), 20_000), "tiff", 20_000 / 65_535),
    "floating point": (lambda: Image.new("F", (3, 2), 0.25), "tiff", 0.25),
    "CMYK": (lambda: Image.new("CMYK", (3, 2), (0, 0, 0, 255 - LIGHT)), "tiff", LIGHT / 255),
    "CMYK JPEG": (lambda: Image.new("CMYK", (3, 2), (0, 0, 0, 255 - LIGHT)), "jpg", LIGHT / 255),
    "colour": (lambda: Image.new("RGB", (3, 2), (DARK, DARK, DARK)), "webp", DARK / 255),
    "bits": (lambda: Image.new("1", (3, 2), 1), "png", 1.0),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_picture_becomes_ink(tmp_path: Path, kind: str) -> None:
    make, suffix, luminance = FILES[kind]
    path = tmp_path / f"picture.{suffix}"
    make().save(path)
    picture = load(str(path))
    assert picture.ink.shape == (2, 3, 1)
    assert picture.ink.dtype == np.float32
    np.testing.assert_allclose(picture.ink, 1 - luminance, atol=0.015)


def test_a_turned_photograph_is_turned_back(tmp_path: Path) -> None:
    upright = letter_f(16, 24)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to the right to see it upright
    lying = Image.fromarray(np.uint8(255 * (1 - np.rot90(upright))))
    lying.save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(load(str(tmp_path / "photo.png")).ink[..., 0], upright)


def test_a_jpeg_of_black_on_white_is_black_and_white(tmp_path: Path) -> None:
    ink = letter_f(80, 120)
    picture = load(str(save(ink, tmp_path / "f.jpg")))
    assert picture.kind == "black and white"
    np.testing.assert_array_equal(picture.ink[..., 0], ink)
    smaller = picture.resized(60)
    assert (smaller.height, smaller.width) == (40, 60)
    assert set(np.unique(smaller.ink)) == {0, 1}


def test_a_grey_picture_stays_grey(tmp_path: Path) -> None:
    ink = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))
    picture = load(str(save(ink, tmp_path / "grey.png")))
    assert picture.kind == "grey"
    np.testing.assert_allclose(picture.ink[..., 0], ink, atol=1 / 255)
    np.testing.assert_allclose(picture.resized(30).ink[..., 0], ink[::2, ::2], atol=0.05)


def test_the_horse_stands_on_its_feet_and_is_black() -> None:
    horse = load(None)
    assert horse.kind == "black and white"
    assert horse.ink.shape == (328, 400, 1)
    assert horse.ink[150, 200] == 1  # the belly
    assert horse.ink[0].sum() == 0
    assert 0 < horse.ink[310].sum() < horse.ink[150].sum()  # hooves are narrower


# --- what a file says about its levels


def png(bits: int, colour: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of 4 x 1 pixels for each row, whose samples have any number of bits."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", 4, len(rows), bits, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


PALETTE = (b"PLTE", bytes([10, 10, 10, 80, 80, 80, 160, 160, 160, 240, 240, 240]))
# The four pixels, and which of them are transparent, which is white.
TRANSPARENT: dict[str, tuple[bytes, list[float]]] = {
    "grey, 1 bit": (png(1, 0, [b"\x50"], (b"tRNS", b"\0\0")), [255, 255, 255, 255]),
    "grey, 1 bit, white": (png(1, 0, [b"\x50"], (b"tRNS", b"\0\1")), [0, 255, 0, 255]),
    "grey, 2 bits": (png(2, 0, [b"\x1b"], (b"tRNS", b"\0\1")), [0, 255, 170, 255]),
    "grey, 4 bits": (png(4, 0, [b"\x05\xaf"], (b"tRNS", b"\0\5")), [0, 255, 170, 255]),
    "grey, 8 bits": (png(8, 0, [b"\x00\x55\xaa\xff"], (b"tRNS", b"\0\x55")), [0, 255, 170, 255]),
    "grey, 16 bits": (
        png(16, 0, [b"\0\0\x55\x55\x55\x54\xff\xff"], (b"tRNS", b"\x55\x55")),
        [0, 255, 85, 255],
    ),
    "colour, 8 bits": (
        png(8, 2, [bytes([0] * 3 + [85] * 3 + [170] * 3 + [255] * 3)], (b"tRNS", b"\0\x55" * 3)),
        [0, 255, 170, 255],
    ),
    "colour, 16 bits": (
        png(16, 2, [bytes([0] * 6 + [85] * 6 + [170] * 6 + [255] * 6)], (b"tRNS", b"\x55" * 6)),
        [0, 255, 170, 255],
    ),
    "palette": (png(2, 3, [b"\x1b"], PALETTE, (b"tRNS", b"\xff\x00")), [10, 255, 160, 240]),
    "palette, in part": (png(2, 3, [b"\x1b"], PALETTE, (b"tRNS", b"\x80")), [132, 80, 160, 240]),
    "grey with alpha, 16 bits": (
        png(16, 4, [b"\0\0\xff\xff" + b"\0\0\0\0" + b"\xaa\xaa\xff\xff" * 2]),
        [0, 255, 170, 170],
    ),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_what_is_transparent_is_white(name: str, tmp_path: Path) -> None:
    content, light = TRANSPARENT[name]
    (tmp_path / "picture.png").write_bytes(content)
    picture = load(str(tmp_path / "picture.png"), "grey")
    np.testing.assert_allclose(255 * (1 - picture.ink[0, :, 0]), light, atol=0.6)


def test_white_on_white_is_said(tmp_path: Path) -> None:
    levels = np.full((20, 20, 4), 255, np.uint8)
    levels[5:9, 5:9, 3] = 0
    Image.fromarray(levels).save(tmp_path / "icon.png")
    picture = load(str(tmp_path / "icon.png"))
    assert picture.how == "it is white on white: what is transparent is white"
    levels[..., :3] = 100
    Image.fromarray(levels).save(tmp_path / "icon.png")
    assert load(str(tmp_path / "icon.png"), "grey").how == ""


def tiff(values: np.ndarray, photometric: int, bits: int, sample_format: int) -> bytes:
    """Return an uncompressed little-endian TIFF of one strip."""
    height, width = values.shape
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 146)]
    tags += [(277, 1), (278, height), (279, values.nbytes), (339, sample_format)]
    tags += [(266, 1)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4 + values.tobytes()


RAMP = np.arange(16).reshape(2, 8) / 15


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize(
    ("kind", "white"),
    [
        ("u1", 255),
        ("u2", 65_535),
        ("u2", 4_095),
        ("i4", 65_535),
        ("i4", 255),
        ("u4", 2**32 - 1),
        ("f4", 1),
        ("f4", 255),
        ("i1", 127),
        ("i2", 4_095),
        ("i2", 32_767),
        ("i4", 10**9),
    ],
)
def test_every_tiff_has_its_white(
    kind: str, white: int, white_is_zero: bool, tmp_path: Path
) -> None:
    values = (RAMP * white).astype(f"<{kind}")
    photometric = 0 if white_is_zero else 1
    sample_format = {"u": 1, "i": 2, "f": 3}[kind[0]]
    content = tiff(values, photometric, 8 * values.itemsize, sample_format)
    (tmp_path / "picture.tiff").write_bytes(content)
    if white_is_zero and kind in ("i1", "i2", "i4", "u4"):
        with pytest.raises(UserError, match=r"is not a picture|damaged"):
            load(str(tmp_path / "picture.tiff"))
        return
    picture = load(str(tmp_path / "picture.tiff"), "grey")
    light = RAMP[::-1, ::-1] if white_is_zero else RAMP
    np.testing.assert_allclose(1 - picture.ink[..., 0], light, atol=max(0.003, 1 / white))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_a_tiff_in_colour_is_read_as_it_is_or_refused(
    kind: str, planes: Literal["contig", "separate"], compression: str | None, tmp_path: Path
) -> None:
    path = str(tmp_path / "picture.tiff")
    values = data.astronaut()[::16, ::16]
    deep = {"u1": values, "u2": values * np.uint16(257), "f4": values / np.float32(255)}[kind]
    shaped = np.moveaxis(deep, 2, 0) if planes == "separate" else deep
    tifffile.imwrite(path, shaped, photometric="rgb", planarconfig=planes, compression=compression)
    if kind == "f4" or (kind == "u2" and planes == "separate"):
        with pytest.raises(UserError, match=r"is a TIFF .* save it as a PNG first"):
            load(path)
    else:
        np.testing.assert_allclose(1 - load(path).ink, values / 255, atol=1e-6)


def test_twelve_bits_packed(tmp_path: Path) -> None:
    levels = np.rint(RAMP * 4095).astype(int).ravel()
    bits = "".join(f"{level:012b}" for level in levels)
    packed = np.uint8([int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]).reshape(2, -1)
    content = tiff(packed, 1, 12, 1).replace(
        struct.pack("<HHII", 256, 4, 1, 12), struct.pack("<HHII", 256, 4, 1, 8)
    )
    (tmp_path / "picture.tiff").write_bytes(content)
    picture = load(str(tmp_path / "picture.tiff"), "grey")
    np.testing.assert_allclose(1 - picture.ink[..., 0], RAMP, atol=0.001)


DEEP = {"I": (np.int32, 65_535), "I;16": (np.uint16, 65_535), "F": (np.float32, 1)}


def written() -> dict[str, bytes]:
    """Return what Pillow writes of every kind of file and of picture."""
    Image.init()
    down, across = np.mgrid[:16, :16]
    levels = np.uint8(np.stack([across * 16, down * 16, 255 - across * 16], axis=2))
    found = {}
    for file in sorted(Image.SAVE):
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F"):
            if mode in DEEP:
                kind, white = DEEP[mode]
                image = Image.fromarray((levels[..., 0] / 255 * white).astype(kind))
            else:
                image = Image.fromarray(levels).convert(mode)
            content = io.BytesIO()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    image.save(content, file)
                except Exception:  # not every file takes every picture
                    continue
            found[f"{file} {mode}"] = content.getvalue()
    return found


WRITTEN = written()
NOT_READ = ("EPS", "PALM", "PDF")  # Pillow writes these, and reads none without help


def test_what_pillow_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    read = 0
    for name, content in WRITTEN.items():
        path.write_bytes(content)
        if name.split()[0] in NOT_READ:
            with pytest.raises(UserError):
                load(str(path))
            continue
        light = 1 - load(str(path), "grey").ink[..., 0]
        file, mode = name.split()
        if light.shape == (16, 16) and mode in ("L", "LA", "RGB", "I", "I;16", "F"):
            if mode in ("I", "I;16", "F") and file in ("AVIF", "GIF", "WEBP"):
                continue  # cut off where it was written
            if mode == "RGB" and file == "SPIDER":
                continue  # as numbers from 0 to 255
            down, across = np.mgrid[:16, :16] * 16 / 255
            grey = 0.299 * across + 0.587 * down + 0.114 * (1 - across)
            expected = grey if mode == "RGB" else across
            if mode in ("L", "LA"):
                expected = grey
            assert np.abs(light - expected).mean() < 0.03, name
            read += 1
    assert read > 50


def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = tmp_path / "picture"
    outcomes = {"read": 0, "refused": 0}
    for content in WRITTEN.values():
        for cut in (True, False):
            damaged = bytearray(content)
            if cut:
                damaged = damaged[: random.integers(len(damaged))]
            else:
                for place in random.integers(0, min(400, len(damaged)), 3):
                    damaged[place] = random.integers(256)
            path.write_bytes(damaged)
            try:
                load(str(path))
                outcomes["read"] += 1
            except UserError:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 50
