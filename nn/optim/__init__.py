"""Optimizers: one pure update rule per parameter, and a flat state with the step inside.

A rule is a function ``(F, p, g, *slots, *numbers, ...) -> (p, *slots)``: the vocabulary ``F``, the
parameter, its gradient, what the rule keeps between steps, and the numbers of the step (its
learning rate first) as 0-d arrays of the parameter's dtype. It returns new arrays and changes none.

A rule computes in the parameter's dtype, float16 too, where an update of less than a 2000th of a
parameter is lost and Adam's eps of 1e-8 is 0, and bfloat16, where that is a 250th and Adam's 0.999
is 1. To train with 16 bits, keep the parameters in float32 and cast them, and the inputs, in the
forward pass: ``x.astype("bfloat16") @ w.astype("bfloat16")``.
Gradients then have 16 bits up to the cast, and reach the parameter in float32.
"""
