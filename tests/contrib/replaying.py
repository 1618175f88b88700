"""Replaying whole transcripts of plugins."""

from __future__ import annotations

from tests.api.transcripts import Replay, flow


def replay_flows(of: str, *names: str, replay: Replay | None = None) -> Replay:
    """Play flows of one transcript in a row; returns the replay."""
    replay = replay or Replay()
    for name in names:
        for exchange in flow(of, name):
            replay.play(exchange)
    return replay


def assert_same(replay: Replay, steps: int) -> None:
    """Every line got the same answer, and there were as many as the recording has."""
    assert replay.differences == []
    assert replay.steps == steps
