"""Versions of distributions, compared as PEP 440 orders them."""

from __future__ import annotations

import math
import re

_PATTERN = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)(?:[-_.]?(?P<stage>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?P<pre>\d*))?"
    r"(?:-(?P<implicit>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post>\d*))?(?:[-_.]?dev[-_.]?(?P<dev>\d*))?(?:\+.*)?",
    re.IGNORECASE,
)
_STAGES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}


def is_older(version: str, than: str) -> bool:
    """Whether one version is older than another; False if one is not valid by PEP 440. A local part (``+cpu``) is ignored."""
    one, other = _order(version), _order(than)
    return one is not None and other is not None and one < other


def _order(version: str) -> tuple[object, ...] | None:
    """Sort key of a version: development releases, pre-releases, the release, post-releases."""
    found = _PATTERN.fullmatch(version.strip())
    if found is None:
        return None
    release = [int(number) for number in found["release"].split(".")]
    while release and release[-1] == 0:
        release.pop()  # 1.0 is 1
    post = found["implicit"] or found["post"]
    is_post, is_dev = post is not None, found["dev"] is not None
    if found["stage"]:
        stage: tuple[float, int] = (_STAGES[found["stage"].lower()], int(found["pre"] or 0))
    else:
        stage = (-math.inf, 0) if is_dev and not is_post else (math.inf, 0)
    return (
        int(found["epoch"] or 0),
        tuple(release),
        stage,
        int(post or 0) if post is not None else -1,
        int(found["dev"] or 0) if is_dev else math.inf,
    )
