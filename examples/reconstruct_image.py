"""A network learns a picture: from (x, y) alone it tells how black the paper is there.

    python examples/reconstruct_image.py [PICTURE] [--out DIR] [...]

`--help` lists the options. DIR gets the picture as the network learned it, at several sizes, the
course of the training, and checkpoints: a run that was stopped or killed goes on with `--resume`.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

# Set before NumPy is loaded. A second BLAS thread gains little on matrices of this size, loses much
# where the cores have other work, and would make the last bits depend on the number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    import autograd_iron as ai
    import devices
    import nn
    from autograd_iron.support.files import remove_unfinished
    from autograd_iron.support.text import printable
    from nn.training.console import stderr, stdout
    from nn.training.lock import FolderLock
    from reconstruct import folder, networks, report, streams
    from reconstruct.choice import choose, worth_another_plan
    from reconstruct.csv_files import write_csv
    from reconstruct.goals import Goal, goal_of
    from reconstruct.loading import load
    from reconstruct.options import DEFAULTS, USUAL_SIZE, parser
    from reconstruct.pictures import Picture, UserError, scaled
except ModuleNotFoundError as missing:
    print(
        f"reconstruct_image.py needs the package {missing.name}, which is not installed: "
        f"pip install 'autograd-iron[examples]'",
        file=sys.stderr,
    )
    sys.exit(2)

RENDERED_SIZES = (50, 512, 1024)
LOOKS = 25  # about so many times in a plan the whole picture is drawn, scored and kept as a preview
NOT_YET = 0.1  # ink of what `--rows` has not come to, in a preview


def main(arguments: list[str] | None = None) -> int:
    """Run the example and return its exit code: 0, 2 for bad input, 130 after Ctrl-C."""
    try:
        return _reconstruct(vars(parser().parse_args(arguments)))
    except KeyboardInterrupt:
        print("Stopped before the end. What was saved before is untouched.", file=stderr)
        return 130
    except MemoryError:
        text = "there is not enough memory for this: give a smaller --size"
    except OSError as error:
        text = f"{error.filename or 'a file'} cannot be read or written: {error.strerror or error}"
    except UserError as error:
        text = str(error)
    except (nn.CheckpointError, FloatingPointError) as error:
        text = _one_sentence(error)
    print(f"reconstruct_image.py: {printable(text)}", file=stderr)
    return 2


def _reconstruct(given: dict[str, Any]) -> int:
    started = time.monotonic()
    if "picture" in given:
        given["picture"] = os.path.abspath(given["picture"])
    if "threshold" in given and given.get("kind", "black and white") != "black and white":
        raise UserError(f"--threshold makes a picture black and white: leave out --{given['kind']}")
    if "to_csv" in given:
        return _convert(given)
    # Leading dots hide a folder, or are one above it.
    name = Path(given.get("picture", "horse")).stem.lstrip(".") or "picture"
    out = Path(given.get("out") or f"runs/{name}")
    with folder.locked(out) as held:
        return _reconstruct_in(held, given, started)


def _reconstruct_in(held: FolderLock, given: dict[str, Any], started: float) -> int:
    out = held.folder
    record = folder.read_record(out)
    earlier = record if "resume" in given else None
    before = earlier["settings"] if earlier else {}
    if earlier:
        folder.check_options(out, before, DEFAULTS, parser())

    options = {name: given.get(name, before.get(name, DEFAULTS[name])) for name in DEFAULTS}
    if reason := devices.problem(options["device"]):
        raise UserError(reason)
    picture = _picture(options)
    goal = goal_of(picture)
    recipe = _recipe(options, picture)
    settings = _settings(options, recipe, picture, goal)
    if earlier:
        # A run may go on anywhere: the last bits of its numbers are then another device's.
        folder.check_same(out, before | {"device": settings["device"]}, settings, DEFAULTS)
    if not earlier:
        if record:
            folder.move_aside(held, record)
        folder.write_record(out, settings, None)

    compile = "no_compile" not in given
    run = _train(settings, recipe, picture, goal, held, "resume" in given, compile)
    scores = _leave_pictures(run, picture, goal, out)
    seconds = time.monotonic() - started
    if earlier and earlier["result"]:
        seconds += earlier["result"]["seconds"]
    result = {
        "stop_reason": run.stop_reason,
        "steps": run.step,
        "seconds": round(seconds, 1),
        "parameters": sum(parameter.size for parameter in run.model.parameters()),
        **scores,
        "loss": run.history["loss"][-1][1] if "loss" in run.history else None,
        "weights_sha256": _fingerprint(run.model),
    }
    folder.write_record(out, settings, result)
    short = run.stop_reason == "until" and scores[goal.metric] < settings["stop_at"]
    return _say_how_it_ended(result, goal, short, out)


def _convert(given: dict[str, Any]) -> int:
    path = Path(given["to_csv"])
    picture = _picture(DEFAULTS | given)
    write_csv(picture, path)
    white_or_black = "1 is black" if picture.channels == 1 else "1 is full light"
    print(f"{printable(str(path))}: {_described(picture)}, {white_or_black}", file=stdout)
    return 0


def _described(picture: Picture) -> str:
    how = f" ({picture.how})" if picture.how else ""
    return f"{picture.kind}{how}, {picture.width} x {picture.height} pixels"


def _picture(options: dict[str, Any]) -> Picture:
    try:
        picture = load(options["picture"], options["kind"], options["threshold"])
    except ModuleNotFoundError as error:
        raise UserError(
            f"the horse is in the package {error.name}, which is not installed: "
            f"pip install 'autograd-iron[examples]', or give a picture of your own"
        ) from None
    return picture.resized(options["size"] or min(USUAL_SIZE, max(picture.height, picture.width)))


def _recipe(options: dict[str, Any], picture: Picture) -> networks.Recipe:
    """Return the recipe that the user named, or the one for this picture."""
    recipe = choose(picture) if options["recipe"] == "auto" else networks.RECIPES[options["recipe"]]
    if options["optimizer"] not in (None, *recipe.rates):
        raise UserError(
            f"--optimizer {options['optimizer']}: the network of --recipe {options['recipe']} is "
            f"trained with {' or '.join(recipe.rates)} alone; give a --recipe of "
            f"{', '.join(networks.RECIPES)}"
        )
    return recipe


def _settings(
    options: dict[str, Any], recipe: networks.Recipe, picture: Picture, goal: Goal
) -> dict[str, Any]:
    """Return every option, decided, and what follows from them."""
    optimizer = options["optimizer"] or next(iter(recipe.rates))
    until = goal.until if recipe.until is None else recipe.until
    return options | {
        "kind": picture.kind,
        "threshold": picture.threshold,
        "size": max(picture.height, picture.width),
        "optimizer": optimizer,
        "stop_at": goal.stop_at(until if options["until"] is None else options["until"]),
        # The steps that the user gives are one plan, and all of it.
        "most_steps": options["steps"] or recipe.steps * recipe.plans,
        "plan": options["steps"] or recipe.steps,
        "lr": recipe.rates[optimizer],
        "batch_size": recipe.batch,
        "sharpness": recipe.sharpness,
        "chosen": recipe.why,
        "width": picture.width,
        "height": picture.height,
        "pixels_sha256": hashlib.sha256(picture.ink.tobytes()).hexdigest(),
    }


def _train(
    settings: dict[str, Any],
    recipe: networks.Recipe,
    picture: Picture,
    goal: Goal,
    held: FolderLock,
    resume: bool,
    compile: bool,
) -> nn.Run:
    out = held.folder
    generator = ai.Generator(settings["seed"])
    model = recipe.build(picture.channels, generator).to(settings["device"])
    steps, plan = settings["most_steps"], settings["plan"]
    schedule = nn.CosineDecay(settings["lr"], steps, restarts=steps // plan - 1)
    optimizer = networks.optimizer(settings["optimizer"], model, schedule)
    data = networks.batches(picture, recipe, generator, settings["device"])
    print(_in_words(settings, picture, model), file=stdout, flush=True)
    _draw_graph(model, picture, recipe, goal, out)
    remove_unfinished(folder.previews(out))
    every = max(1, round(plan / LOOKS))
    device = settings["device"]
    network = ai.compile(model) if compile else model
    drawn = networks.draw(network, goal, picture, picture.height, picture.width, device)

    def look(_: nn.Module) -> float:
        nonlocal drawn
        drawn = networks.draw(network, goal, picture, picture.height, picture.width, device)
        return goal.score(drawn, picture.ink)

    look.__name__ = goal.metric

    def preview(run: nn.Run) -> None:
        if run.step % every:
            look(run.model)
        shown = drawn.copy()
        if settings["rows"]:
            seen = networks.pixels_seen(picture, run.step, plan)
            shown.reshape(picture.pixels, -1)[seen:] = NOT_YET
        report.save_png(shown, folder.previews(out) / f"step-{run.step:08d}.png")

    def show_rows(step: int) -> None:
        if settings["rows"]:
            seen = networks.pixels_seen(picture, step, plan)
            data.limit = networks.samples_seen(picture, recipe.sharpness, seen)

    def after_step(run: nn.Run) -> None:
        if run.step % every == 0:
            preview(run)
        show_rows(run.step)

    def enough(run: nn.Run) -> bool:
        scores = run.history.get(goal.metric, [])
        at, score = scores[-1] if scores else (-1, 0.0)
        if at == run.step and score >= settings["stop_at"] and settings["until"] is not None:
            return True
        if run.step % plan or not run.step:
            return False
        return score >= settings["stop_at"] or not worth_another_plan(scores, plan, run.step)

    show_rows(0)
    preview(nn.Run(model, data, optimizer))
    return nn.fit(
        model,
        data,
        goal.loss,
        optimizer,
        steps=steps,
        metric=look,
        metric_every=every,
        until=enough,
        run_dir=held,
        resume=resume,
        checkpoint_every=settings["checkpoint_every"],
        callbacks=[after_step],
        preview=preview,
        compile=compile,
    )


def _in_words(settings: dict[str, Any], picture: Picture, model: nn.Module) -> str:
    """Say what learns the picture, why, and how long it may take."""
    parameters = sum(parameter.size for parameter in model.parameters())
    said = f"{picture.name}: {_described(picture)}"
    if settings["chosen"]:
        said += f"; {settings['chosen']}. They and a small network, {parameters:,} parameters,"
        said += " learn it"
    else:
        said += f". A {settings['recipe']} network of {parameters:,} parameters learns it"
    said += f" with {settings['optimizer'].upper()} in {settings['plan']:,} steps"
    if settings["most_steps"] > settings["plan"]:
        said += f", or up to {settings['most_steps']:,} while it still gets better"
    return f"{said}."


def _draw_graph(
    model: nn.Module, picture: Picture, recipe: networks.Recipe, goal: Goal, out: Path
) -> None:
    """Draw one training step, forward and backward."""
    device = next(model.parameters()).device
    points, ink = networks.batches(picture, recipe, ai.Generator(0), device).next_batch()
    try:
        loss = goal.loss(model(points), ink)
        ai.draw_graph(loss, out / "graph.svg", backward=True, names=model.named_parameters())
    except RuntimeError as error:
        raise UserError(_one_sentence(error)) from None
    except OSError as error:
        raise UserError(f"{out / 'graph.svg'} cannot be written: {error.strerror}") from None


def _leave_pictures(run: nn.Run, picture: Picture, goal: Goal, out: Path) -> dict[str, float]:
    """Write all that is made once the training is over; return the scores of the final weights."""
    device = next(run.model.parameters()).device
    ink = networks.draw(run.model, goal, picture, picture.height, picture.width, device)
    score = goal.score(ink, picture.ink)
    size = f"{picture.width} x {picture.height}"
    report.save_comparison(
        [(picture.ink, f"the picture, {size}"), (goal.final(ink), goal.text(score))],
        out / "comparison.png",
    )
    scores = dict(run.history.get(goal.metric, []))
    frames = {}
    for path, step in folder.preview_steps(out).items():
        frames[path] = f"step {step}"
        if step in scores:
            frames[path] += f", {goal.text(scores[step])}"
    report.save_timelapse(frames, out / "timelapse.gif")
    if run.history:
        report.save_curves(run.history, f"{picture.name}, {size} pixels", out / "curves.png")
    for longer in RENDERED_SIZES:
        drawn = networks.draw(
            run.model, goal, picture, *scaled(picture.height, picture.width, longer), device
        )
        report.save_png(goal.final(drawn), out / f"render-{longer}.png")
    return {goal.metric: score, **goal.details(ink, picture.ink)}


def _fingerprint(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def _say_how_it_ended(result: dict[str, Any], goal: Goal, short: bool, out: Path) -> int:
    why = {
        "steps": "all its steps",
        "until": "it no longer got better" if short else "as good as it was asked for",
        "control": "stopped by control.toml",
        "interrupted": "stopped by Ctrl-C",
    }[result["stop_reason"]]
    renders = ", ".join(f"render-{size}.png" for size in RENDERED_SIZES)
    scores = ", ".join(filter(None, (goal.text(result[goal.metric]), goal.details_text(result))))
    print(
        f"{scores} after {result['steps']} steps, {result['seconds']:.1f} s ({why}). "
        f"In {printable(str(out))}:\n"
        f"  comparison.png  the picture beside what the network learned\n"
        f"  timelapse.gif   how it was learned; the frames are in previews\n"
        f"  curves.png      loss, {goal.metric} and learning rate\n"
        f"  {renders}: from the same network\n"
        f"  graph.svg       one training step, forward and backward\n"
        f"  run.json        every setting and result",
        file=stdout,
    )
    if result["stop_reason"] in folder.FINISHED:
        return 0
    command = shlex.join(["python", sys.argv[0], "--out", str(out), "--resume"])
    print(f"It is not finished, and everything is saved. Go on with:\n  {command}", file=stdout)
    return 130 if result["stop_reason"] == "interrupted" else 0


def _one_sentence(error: Exception) -> str:
    """Return the first sentence of the text, with the first of the details listed below it."""
    first, *rest = str(error).splitlines()
    sentence = first.split(". ")[0].rstrip(".:")
    listed = [line.strip() for line in rest if line.startswith("  ")]
    more = f", and {len(listed) - 1} more" if len(listed) > 1 else ""
    return f"{sentence} ({listed[0]}{more})" if listed else sentence


if __name__ == "__main__":
    streams.open_missing()
    try:
        sys.exit(main())
    finally:
        streams.flush()
