"""Densities of distributions, in the names of `scipy.stats`: `ai.stats.norm.logpdf(x)`."""

__all__: list[str] = []
