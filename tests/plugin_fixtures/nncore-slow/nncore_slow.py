"""Takes its time to import."""

import time

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)
SECONDS = 0.05

time.sleep(SECONDS)


@hookimpl
def nncore_optimizers(api):
    return [Component("late", "nncore_slow_components:Late")]
