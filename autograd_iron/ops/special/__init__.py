"""Special functions: `autograd_iron.special` imports them when it is first asked for."""
