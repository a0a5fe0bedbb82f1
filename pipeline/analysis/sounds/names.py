"""The sounds that a CLAP model is asked for, unless the configuration names others."""

SOUND_NAMES = (
    "speech", "music", "singing", "applause", "laughter", "a cheering crowd", "a crying baby", "a shouting crowd",
    "a siren", "an alarm", "a telephone", "a bell", "footsteps", "a door", "typing", "a camera", "a car", "a train",
    "an aeroplane", "a helicopter", "a boat", "an engine", "a machine", "a hammer", "a gunshot", "an explosion",
    "fireworks", "fire", "rain", "thunder", "wind", "water", "waves", "a dog", "a cat", "birds", "a horse", "a cow",
    "insects", "noise",
)  # fmt: skip
"""Common classes of AudioSet (Gemmeke et al., 2017), as they are written in a sentence."""
