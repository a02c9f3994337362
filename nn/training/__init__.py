"""Training: the loop, its run folder, checkpoints and control."""
