"""Encodings: turn columns of a table into numbers for a network, one a file. They import `nncore.plugin` and the ground."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
