"""Activations, one a file: the formula in NumPy (``relu.py``) and compiled (``relu.c``)."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
