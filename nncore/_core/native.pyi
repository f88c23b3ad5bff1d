"""The built-in components' tables at the CPU level chosen at import, and what that level can do on this machine."""

LEVEL: str
"""The chosen level."""
LEVELS: tuple[str, ...]
"""The levels of this build, from the plainest to the newest."""
INSTRUCTIONS: str
"""The vector instructions of the chosen level, such as ``"AVX-512"``."""

def machine_can_run(level: str) -> bool: ...
def bound_processors() -> int: ...
def peak_flops(is_f64: bool, seconds: float) -> float: ...
def memory_bandwidth(n_bytes: int, seconds: float) -> float: ...
def __getattr__(name: str) -> object: ...  # a capsule for each component: activation_relu, layer_dense, ...; runner, host, lbfgs
