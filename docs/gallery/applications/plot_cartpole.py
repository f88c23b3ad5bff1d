r"""
Reinforcement learning: CartPole with REINFORCE
===============================================

A network learns to balance a pole on a cart, from nothing but the time that the pole stays up. The training loop calls ``forward``,
``backward`` and ``step`` itself, because the gradient comes from rewards and not from targets.

Copy this loop for any loss that you can differentiate with respect to the outputs of a network.
"""

# %%
# The physics
# -----------
#
# Barto, Sutton & Anderson [1]_ described the task in 1983: a cart on a track, pushed to the left or to the right 50 times a second. The
# state is the position and velocity of the cart, and the angle and angular velocity of the pole. An episode ends when the pole leans by
# more than 12 degrees or the cart leaves the track. It lasts 200 steps at most. All arrays have a row per episode, so that many run at
# once.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn

plt.style.use("nncore.displays.style")

GRAVITY, CART, POLE, HALF_LENGTH = 9.8, 1.0, 0.1, 0.5
FORCE, SECONDS, N_STEPS = 10.0, 0.02, 200


def push(state, to_the_right):
    _, v, angle, spin = state.T
    sin, cos, mass = np.sin(angle), np.cos(angle), CART + POLE
    force = np.where(to_the_right, FORCE, -FORCE)
    a = (force + POLE * HALF_LENGTH * spin**2 * sin) / mass
    inertia = HALF_LENGTH * (4 / 3 - POLE * cos**2 / mass)
    d_spin = (GRAVITY * sin - a * cos) / inertia
    d_v = a - POLE * HALF_LENGTH * d_spin * cos / mass
    return state + SECONDS * np.stack([v, d_v, spin, d_spin], axis=1)


def is_up(state):
    return (abs(state[:, 0]) < 2.4) & (
        abs(state[:, 2]) < np.radians(12)
    )


# %%
# Play episodes
# -------------
#
# The network has one output per action. Softmax makes probabilities of them. In training the action is drawn at random, so that both
# actions are tried; afterwards the more probable one is taken.


def softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def play(net, rng, n_episodes, greedy=False):
    state = rng.uniform(-0.05, 0.05, (n_episodes, 4))
    up = np.full(n_episodes, True)
    steps = []
    while up.any() and len(steps) < N_STEPS:
        p_right = softmax(net.predict(state))[:, 1]
        action = p_right > (0.5 if greedy else rng.random(n_episodes))
        steps.append((state, action, up))
        state = push(state, action)
        up = up & is_up(state)
    # Of shapes (n_steps, n_episodes, 4), (n_steps, n_episodes) twice.
    return (np.array(arrays) for arrays in zip(*steps, strict=True))


# %%
# Train by REINFORCE
# ------------------
#
# Each step with the pole up earns a reward of 1. The return :math:`G_t` of a step is the sum of the rewards from there on, each discounted
# by :math:`\gamma` per step. REINFORCE [2]_ makes actions with a high return more probable. With the returns normalised to :math:`A_t =
# (G_t - \bar G) / s_G`, the gradient with respect to the outputs :math:`z` is
#
# .. math:: \frac{\partial E}{\partial z_t} = \frac{1}{N} A_t \,(p_t - \text{one-hot}(a_t)).
#
# ``backward(d_output=...)`` takes this gradient as it is, ``step`` lets Adam change the parameters. Training ends when the mean of the last
# 100 episodes is at least 195 steps.


def returns(up, gamma=0.99):
    found, following = np.zeros(up.shape), 0.0
    for t in reversed(range(len(up))):
        following = found[t] = up[t] * (1 + gamma * following)
    return found


def train(seed, n_episodes=20):
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(2))
    net.build(4, optimizer=nn.Adam(lr=0.03), rng=seed)
    curve = []
    while len(curve) < 100 and np.mean(curve[-5:] or 0) < 195:
        states, actions, up = play(net, rng, n_episodes)
        G = returns(up)[up]
        A = (G - G.mean()) / G.std()
        p = softmax(net.forward(states[up], training=True))
        one_hot = np.eye(2)[actions[up].astype(int)]
        net.backward(d_output=A[:, None] * (p - one_hot) / len(A))
        net.step()
        curve.append(up.sum(axis=0).mean())
    return net, np.array(curve)


trained = [train(seed) for seed in range(5)]
for seed, (_, curve) in enumerate(trained):
    n = 20 * len(curve)
    print(
        f"seed {seed}: {n} episodes, the last 100 of {curve[-5:].mean():.1f} steps"
    )

# %%
# Test the policies
# -----------------
#
# Each of the five networks plays 100 new episodes, without chance. A network that was not trained is the baseline.

untrained = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(2))
untrained.build(4, rng=0)


def mean_steps(net):
    _, _, up = play(net, np.random.default_rng(99), 100, greedy=True)
    return up.sum(axis=0).mean()


scores = [mean_steps(net) for net, _ in trained]
print("untrained:", mean_steps(untrained), "of 200 steps")
print("trained:  ", np.round(scores, 1))
assert min(scores) >= 195

# %%
# The learning curves, and the angle of the pole in five episodes. The untrained network lets the pole fall within half a second.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
for _, curve in trained:
    left.plot(20 * np.arange(1, len(curve) + 1), curve, linewidth=1)
left.axhline(195, color="0.4", linewidth=1, linestyle=":")
left.set(xlabel="episodes", ylabel="steps per episode", ylim=(0, 205))
left.set_title("training, five seeds")

for color, net in ("C1", untrained), ("C0", trained[0][0]):
    states, _, up = play(net, np.random.default_rng(1), 5, greedy=True)
    degrees = np.where(up, np.degrees(states[:, :, 2]), np.nan)
    seconds = SECONDS * np.arange(len(states))
    right.plot(seconds, degrees, color=color, linewidth=1)
for limit in -12, 12:
    right.axhline(limit, color="0.4", linewidth=1, linestyle=":")
right.set(xlabel="seconds", ylabel="angle in degrees")
right.set_title("untrained (orange) and trained (blue)")
plt.show()

# %%
# What to try next
# ----------------
#
# - Subtract the mean return of each time step instead of one mean for all, or train a second network that predicts the return
#   (actor-critic).
# - Environments of Gymnasium: replace ``push`` and ``is_up``.
# - Other gradients for ``backward(d_output=...)``: :doc:`/guide/explaining`.
#
# .. [1] Barto, Sutton & Anderson, "Neuronlike adaptive elements that can solve difficult learning control problems", IEEE Transactions on
#    Systems, Man, and Cybernetics 13(5), 1983.
# .. [2] Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement learning", Machine Learning 8, 1992.
