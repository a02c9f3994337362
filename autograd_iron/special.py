"""Special functions, in SciPy's names: `ai.special.erf(x)`."""

__all__: list[str] = []
