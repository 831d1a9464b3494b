"""Where somebody speaks, by silero-vad's public calls, on a sound made here."""

import numpy as np
import torch
from reporting import report
from silero_vad import VADIterator, get_speech_timestamps, get_speech_timestamps_sequence, load_silero_vad

RATE = 16000


def sound(seconds=12):
    """Harmonics of a wandering pitch under formants, in syllables with pauses between, and a little noise."""
    rng = np.random.default_rng(7)
    t = np.arange(seconds * RATE) / RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * t) + 10 * np.sin(2 * np.pi * 2.3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = [
        (500 + 250 * np.sin(2 * np.pi * 1.9 * t), 80),
        (1500 + 500 * np.sin(2 * np.pi * 1.3 * t), 120),
        (2500, 160),
    ]
    voice = np.zeros_like(t)
    for k in range(1, 30):
        gain = sum(np.exp(-(((k * pitch - centre) / width) ** 2) / 2) for centre, width in formants)
        voice += (gain + 0.03) * np.sin(k * phase)
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * t), 0, 1) ** 0.5
    phrases = (np.sin(2 * np.pi * t / 3) > -0.3).astype(float)
    return torch.from_numpy(
        (0.15 * voice * syllables * phrases + 0.002 * rng.standard_normal(t.size)).astype(np.float32)
    )


model = load_silero_vad(onnx=True)
by_blocks = load_silero_vad(sequence=True)
SOUND = sound()


def answers():
    stamps = get_speech_timestamps(SOUND, model, sampling_rate=RATE)
    model.reset_states()
    probabilities = [model(SOUND[i : i + 512], RATE).item() for i in range(0, len(SOUND) - 511, 512)]
    stream = VADIterator(model)
    events = [event for i in range(0, len(SOUND) - 511, 512) if (event := stream(SOUND[i : i + 512]))]
    stream.reset_states()
    whole = model.audio_forward(SOUND.unsqueeze(0), RATE)
    blocks = get_speech_timestamps_sequence(SOUND, by_blocks, sampling_rate=RATE)
    return {
        "stamps": stamps,
        "blocks": blocks,
        "probabilities": probabilities,
        "events": events,
        "whole": whole.flatten().tolist(),
    }


report(answers)
