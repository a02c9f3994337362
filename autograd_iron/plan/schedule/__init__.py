"""When a step runs and where its result lies: tiles, buffers, blocks of parameters."""
