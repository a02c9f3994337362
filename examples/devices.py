"""The option `--device` of the examples."""

import argparse

import autograd_iron as ai

HELP = "where to compute: cpu, cuda (the first GPU), cuda:1 and so on (cpu)"


def problem(device: str) -> str | None:
    """Return in one sentence why nothing can be computed there; None if it can."""
    try:
        if device != "cpu":
            ai.cuda.synchronize(device)
    except ImportError as error:
        return f"{_first_sentence(error)}: pip install 'autograd-iron[gpu]'"
    except (RuntimeError, ValueError) as error:
        return _first_sentence(error)
    return None


def from_command_line(about: str | None) -> str:
    """Return the device that the user asks for; leave with exit code 2 where there is none."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", help=HELP)
    device = str(parser.parse_args().device)
    if reason := problem(device):
        parser.exit(2, f"{parser.prog}: {reason}\n")
    return device


def _first_sentence(error: Exception) -> str:
    return str(error).split(". ")[0]
