"""Regularizers (penalties on tensors), one a file: in NumPy (``l1.py``) and the same lines in C (``l1.c``)."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
