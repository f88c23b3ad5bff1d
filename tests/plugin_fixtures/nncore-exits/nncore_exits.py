"""Ends the process on import: a script somebody listed as a plugin."""

import sys

sys.exit("usage: nncore-exits FILE")
