"""Layers, one a file: forward and backward pass in NumPy (``dense.py``) and compiled (``dense.c``)."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
