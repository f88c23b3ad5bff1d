"""Callbacks: what may happen between two steps of a fit, one a file."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
