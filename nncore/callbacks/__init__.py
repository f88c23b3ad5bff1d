"""Callbacks: actions during a fit, such as early stopping and checkpoints, one a file."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
