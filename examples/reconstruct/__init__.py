"""The parts of `reconstruct_image.py`: pictures in and out, networks, and the report."""
