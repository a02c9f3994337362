"""Steps fused into loops, as data."""
