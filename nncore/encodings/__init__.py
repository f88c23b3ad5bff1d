"""Encodings: columns of a table into the numbers that a network takes, one a file. They import `nncore.plugin` and the ground."""

from nncore.words import no_class_here

__getattr__ = no_class_here(__name__)
