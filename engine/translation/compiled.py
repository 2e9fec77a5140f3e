"""The loops of analysis and synthesis that numba compiles; their types are those of the arrays that come in."""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="no-any-return"

from __future__ import annotations

import numba
import numpy as np

from engine.translation.frames import FFT, FLOOR_OF_POWER, HOP, RATE, TOP


@numba.njit(cache=True)
def _lobe(offset: float, size: int) -> float:
    """A Hann window's spectrum at `offset` bins of an FFT of `FFT` points, relative to its peak."""
    x = offset * size / FFT
    if abs(x) < 1e-9:
        return 1.0
    if abs(abs(x) - 1.0) < 1e-6:
        return 0.5
    return np.sin(np.pi * x) / (np.pi * x) / (1.0 - x * x)


@numba.njit(cache=True)
def _summit(spectrum, at):  # pragma: no cover - compiled
    """How many bins from `at`, half a bin at most, a parabola through three log magnitudes has its summit."""
    if at < 1 or at + 1 >= len(spectrum):
        return 0.0
    left, middle, right = np.log(np.abs(spectrum[at - 1 : at + 2]) + 1e-15)
    bend = left - 2 * middle + right
    return min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend < 0 else 0.0


@numba.njit(cache=True)
def _strongest(spectrum, centre, room):  # pragma: no cover - compiled
    """The bin of the most power within `room` bins of `centre`."""
    best, at = -1.0, int(centre + 0.5)
    for bin in range(int(np.ceil(centre - room)), int(centre + room) + 1):
        if 0 <= bin < spectrum.shape[0]:
            power = spectrum[bin].real ** 2 + spectrum[bin].imag ** 2
            if power > best:
                best, at = power, bin
    return at


@numba.njit(cache=True)
def split(spectra, f0_hz, size, harmonics_db, bands_db, edges):  # pragma: no cover - compiled
    """Harmonics [n, harmonics] and noise bands [n, bands] of frames [n, bins], in dB of power; spectra are used up."""
    scale = FFT / RATE
    gain = 2.0 / (size / 2.0)  # of a sinusoid's amplitude, from its peak
    noise = 2.0 / FFT / (size * 0.375)  # of power, from a sum of squared bins
    reach = 8 * FFT // size  # bins: the main lobe and six to each side
    for t in range(len(f0_hz)):
        spectrum = spectra[t]
        last = -FLOOR_OF_POWER
        if f0_hz[t] > 0:
            count = min(harmonics_db.shape[1], int(TOP / f0_hz[t]))
            for k in range(1, count + 1):
                centre = k * f0_hz[t] * scale
                room = min(0.3 * f0_hz[t] * scale, 1.0 + 0.004 * centre)
                at = _strongest(spectrum, centre, room)
                off = _summit(spectrum, at)
                peak = spectrum[at] / _lobe(off, size)
                amplitude = gain * abs(peak)
                harmonics_db[t, k - 1] = 10 * np.log10(amplitude * amplitude / 2 + 1e-15)
                last = harmonics_db[t, k - 1]
                for bin in range(max(0, at - reach), min(spectrum.shape[0], at + reach + 1)):
                    spectrum[bin] -= peak * _lobe(bin - at - off, size)
            for k in range(count, harmonics_db.shape[1]):
                harmonics_db[t, k] = last
        for b in range(len(edges) - 1):
            total = 0.0
            for bin in range(edges[b], max(edges[b + 1], edges[b] + 1)):
                total += spectrum[bin].real ** 2 + spectrum[bin].imag ** 2
            bands_db[t, b] = 10 * np.log10(total * noise + 1e-15)


@numba.njit(cache=True, fastmath=True)
def oscillate(hz, amplitudes, phase, starts, out):  # pragma: no cover - compiled
    """Add harmonics to out [704 n] from frames [n + 1], all linear between centres; returns the phase."""
    for t in range(len(hz) - 1):
        count = 0
        for k in range(amplitudes.shape[1]):
            if amplitudes[t, k] > 1e-7 or amplitudes[t + 1, k] > 1e-7:
                count = k + 1
        for i in range(HOP):
            mix = (i + 1) / HOP
            phase += (hz[t] + mix * (hz[t + 1] - hz[t])) / RATE
            phase -= np.floor(phase)
            turn = np.exp(2j * np.pi * phase)
            spin = turn
            total = 0.0
            for k in range(count):
                amplitude = amplitudes[t, k] + mix * (amplitudes[t + 1, k] - amplitudes[t, k])
                total += amplitude * (spin.real * starts[k].imag + spin.imag * starts[k].real)
                spin *= turn
            out[t * HOP + i] += total
    return phase
