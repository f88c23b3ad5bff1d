"""Every exception nncore raises on purpose, and its warnings, which point at the user's line.

Each class also derives from the built-in exception a user would catch, so ``except ValueError`` works for a wrong shape.
Messages say what was wrong, where, and what to do about it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import FrameType

#: A message is cut in the middle where it is longer: a value in it may be of any length.
LONGEST = 4000


class NNCoreError(Exception):
    """Base of all exceptions raised on purpose by nncore."""

    def __str__(self) -> str:
        text = super().__str__()
        return text if len(text) <= LONGEST else f"{text[: LONGEST * 3 // 4]} … {text[-LONGEST // 4 :]}"


class ShapeError(NNCoreError, ValueError):
    """An array has the wrong number of rows, columns or dimensions."""


class DataError(NNCoreError, ValueError):
    """Values that cannot be trained on: NaN or infinity, labels out of range, an empty file."""


class DtypeError(NNCoreError, TypeError):
    """A dtype that cannot be used as numbers here."""


class ParameterError(NNCoreError, ValueError):
    """An argument or a hyperparameter outside its range, or of the wrong kind."""


class CallError(ParameterError, TypeError):
    """A call whose arguments do not fit: a keyword that is unknown, one argument too few or too many. The message names ours."""


class OutOfMemoryError(NNCoreError, MemoryError):
    """More memory is needed than there is; the message says how much, for what, and what would need less."""


class NotBuiltError(NNCoreError, RuntimeError):
    """The network has no parameters yet, or a step was called before the one it needs."""


class BusyError(NNCoreError, RuntimeError):
    """A fit is under way, or another thread uses what two cannot use at once."""


class CollectiveError(NNCoreError, RuntimeError):
    """Processes that train together do not agree, or one of them has stopped or cannot be reached."""


class NotTrainableError(NNCoreError, TypeError):
    """Training through something without a derivative (step, sign)."""


class NonFiniteError(NNCoreError, FloatingPointError):
    """The loss, a gradient or what a step changes became NaN or infinite; the network is as the last finished step left it.

    Parameters
    ----------
    message : str
        What happened, and what to do about it.
    step : int
        As the attribute.
    layer : str
        As the attribute.

    Attributes
    ----------
    step : int
        The step that failed, counted from 1 over the life of the network.
    layer : str
        The first layer that produced a value that is not finite, or ``"loss"``; empty where it is the optimizer that did.
    """

    def __init__(self, message: str, *, step: int, layer: str) -> None:
        super().__init__(message)
        self.step = step
        self.layer = layer

    def __reduce__(self) -> tuple[Callable[[str, int, str], NonFiniteError], tuple[str, int, str]]:
        return _rebuild_non_finite, (str(self), self.step, self.layer)


def _rebuild_non_finite(message: str, step: int, layer: str) -> NonFiniteError:
    return NonFiniteError(message, step=step, layer=layer)


class UnknownComponentError(NNCoreError, LookupError, ValueError):
    """No component of that name; the message suggests near ones and names plugins that failed to load."""


class AmbiguousComponentError(UnknownComponentError):
    """Two plugins offer the same bare name; ask for ``"<distribution>/<name>"``."""


class PluginError(NNCoreError, RuntimeError):
    """A plugin that cannot be loaded or breaks the contract."""


class NoFormulaError(NNCoreError, NotImplementedError):
    """A component does not write its prediction as a formula, so that a network with it cannot be exported."""


class ExportError(NNCoreError, ValueError):
    """A model has something that a target of `nncore.Sequential.export` cannot hold; nothing was written."""


class MissingPluginError(UnknownComponentError, PluginError):
    """A component of a saved network is not here; the message names its plugin and version, and what to run."""


class ShadowedInstallError(PluginError, ImportError):
    """Another distribution owns the import name ``nncore``."""


class MissingExtraError(NNCoreError, ImportError):
    """An optional library is needed; the message names the extra to install."""


class FileFormatError(NNCoreError, ValueError):
    """A file that is not an nncore model, or a damaged one."""


class ConvergenceWarning(UserWarning):
    """Training ended before it converged."""


class DataWarning(UserWarning):
    """Data that can be used, but are hardly meant so."""


class ResumptionWarning(UserWarning):
    """A fit that goes on forgets something of the one that was cut short."""


class PluginWarning(UserWarning):
    """A plugin was left out; ``nncore plugins`` says why."""


#: Packages whose frames are not the user's: ours, and what scikit-learn wraps around a `fit`.
INNER = ("nncore", "sklearn.callback", "sklearn.base")


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, in the name of the line that called into nncore.

    Parameters
    ----------
    message : str
        What the user should know.
    category : type of Warning, default UserWarning
        Its class.
    """
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(tuple(f"{package}." for package in INNER)):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
