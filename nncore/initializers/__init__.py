"""Initializers: the first values of weights and biases, one scheme a file."""
