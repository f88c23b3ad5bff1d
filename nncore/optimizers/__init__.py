"""Optimizers, one a file: the update in NumPy (``adam.py``) and compiled (``adam.c``)."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
