"""Layers: containers, linear maps, activations, and what reads coordinates."""
