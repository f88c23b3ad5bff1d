"""Ends the process on import, like a script that is listed as a plugin by mistake."""

import sys

sys.exit("usage: nncore-exits FILE")
