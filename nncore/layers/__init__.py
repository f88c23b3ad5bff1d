"""Layers, one a file: forward beside backward in NumPy (``dense.py``), and the same compiled (``dense.c``)."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
