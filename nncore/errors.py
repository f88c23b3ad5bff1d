"""Exceptions and warnings of nncore.

Each class also derives from the built-in exception that users would catch: ``except ValueError`` works for a wrong shape. Messages say what
is wrong, where, and what to do. Warnings point at the user's line.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import FrameType

#: Longer messages are cut in the middle: a value in them may have any length.
LONGEST = 4000


class NNCoreError(Exception):
    """Base class of all exceptions of nncore."""

    def __str__(self) -> str:
        text = super().__str__()
        return text if len(text) <= LONGEST else f"{text[: LONGEST * 3 // 4]} … {text[-LONGEST // 4 :]}"


class ShapeError(NNCoreError, ValueError):
    """An array has the wrong number of rows, columns or dimensions."""


class DataError(NNCoreError, ValueError):
    """Data that cannot be used: NaN or infinity, labels out of range, an empty file."""


class DtypeError(NNCoreError, TypeError):
    """Data of a dtype that cannot be converted to numbers."""


class ParameterError(NNCoreError, ValueError):
    """An argument or a hyperparameter outside its range, or of the wrong type."""


class CallError(ParameterError, TypeError):
    """A call with an unknown keyword, or too few or too many arguments. The message names the right argument."""


class OutOfMemoryError(NNCoreError, MemoryError):
    """Not enough memory. The message says how much is needed, for what, and what needs less."""


class NotBuiltError(NNCoreError, RuntimeError):
    """The network has no parameters yet, or a method was called before the one that it needs."""


class BusyError(NNCoreError, RuntimeError):
    """A fit is running, or another thread uses an object that only one thread can use at a time."""


class CollectiveError(NNCoreError, RuntimeError):
    """Processes that train together have different settings, or one of them stopped or cannot be reached."""


class NotTrainableError(NNCoreError, TypeError):
    """Training through something without a derivative (step, sign)."""


class NonFiniteError(NNCoreError, FloatingPointError):
    """The loss, a gradient, a parameter or the optimizer state became NaN or infinite. The network is in the state after the last step.

    Parameters
    ----------
    message : str
        What happened, and what to do.
    step : int
        See the attribute.
    layer : str
        See the attribute.

    Attributes
    ----------
    step : int
        The step that failed, counted from 1 over all fits of the network.
    layer : str
        The first layer that produced a value that is not finite, or ``"loss"``; empty for the optimizer.
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
    """There is no component of that name. The message suggests similar names, and plugins that failed to load."""


class AmbiguousComponentError(UnknownComponentError):
    """Two plugins provide the same name: write ``"<distribution>/<name>"``."""


class PluginError(NNCoreError, RuntimeError):
    """A plugin cannot be loaded, or breaks the contract."""


class NoFormulaError(NNCoreError, NotImplementedError):
    """A component has no formula, so a network with it cannot be exported."""


class ExportError(NNCoreError, ValueError):
    """The target of an export cannot represent a part of the model. Nothing was written."""


class MissingPluginError(UnknownComponentError, PluginError):
    """A component of a saved network is not installed. The message names its plugin and version, and the command that installs it."""


class ShadowedInstallError(PluginError, ImportError):
    """Another distribution owns the import name ``nncore``."""


class MissingExtraError(NNCoreError, ImportError):
    """An optional library is missing. The message names the extra to install."""


class FileFormatError(NNCoreError, ValueError):
    """A file is not a model of nncore, or is damaged."""


class ConvergenceWarning(UserWarning):
    """Training ended before it converged."""


class DataWarning(UserWarning):
    """Data that can be used, but are probably not what was intended."""


class ResumptionWarning(UserWarning):
    """A fit that resumes an interrupted one loses some of its state."""


class PluginWarning(UserWarning):
    """A plugin cannot be used; ``nncore plugins`` says why."""


#: Packages whose frames are not the user's: nncore, and wrappers of scikit-learn around `fit`.
INNER = ("nncore", "sklearn.callback", "sklearn.base")


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, with the line of the user that called nncore.

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
