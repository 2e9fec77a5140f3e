"""Sound packed small, with tags: MP3, OGG Vorbis, and FLAC with its tags. libsndfile packs, mutagen tags.

Same sound and tags, same bytes: what libsndfile draws by chance for an OGG stream is made its own number.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import soundfile

from engine.core.audio import Audio, write_flac

MP3_RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz, that it knows and people's players do
OGG_RATES = (8_000, 48_000)  # Hz, lowest and highest
BLOCK = 65_536  # frames given to an encoder at once: libsndfile's Vorbis overflows its stack on many more
QUALITY = 0.3  # of libsndfile's compression level, 0 (best) to 1
STREAM = 1  # the number of an OGG file's one stream
Tags = Mapping[str, str]
"""By mutagen's easy names: title, bpm."""


def write_mp3(audio: Audio, tags: Tags) -> bytes:
    """An MP3 file with ID3 tags, at the rate of the format that is nearest from above."""
    from mutagen.easyid3 import EasyID3  # here, because few files have tags

    rate = next((rate for rate in MP3_RATES if rate >= audio.rate), MP3_RATES[-1])
    file = _packed(audio.resampled(rate), "MP3", "MPEG_LAYER_III")
    said = EasyID3()
    said.update(tags)
    if tags:  # an empty head is one that readers stumble over
        said.save(file, padding=lambda info: 0)
    return file.getvalue()


def write_ogg(audio: Audio, tags: Tags) -> bytes:
    """An OGG file (Vorbis) with its comments."""
    from mutagen.oggvorbis import OggVorbis

    file = _packed(audio.resampled(min(max(audio.rate, OGG_RATES[0]), OGG_RATES[1])), "OGG", "VORBIS")
    _tag(file, OggVorbis, tags)
    return _numbered(file)


def write_tagged_flac(audio: Audio, tags: Tags) -> bytes:
    """A FLAC file, 16 bit, with its comments."""
    from mutagen.flac import FLAC

    file = io.BytesIO(write_flac(audio))
    _tag(file, FLAC, tags)
    return file.getvalue()


def _packed(audio: Audio, container: str, subtype: str) -> io.BytesIO:
    file = io.BytesIO()
    samples = np.clip(audio.samples, -1.0, 1.0)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with soundfile.SoundFile(
        file, "w", audio.rate, channels, subtype, format=container, compression_level=QUALITY
    ) as packer:
        for first in range(0, len(samples), BLOCK):
            packer.write(samples[first : first + BLOCK])
    file.seek(0)
    return file


def _tag(file: io.BytesIO, reader: Callable[[io.BytesIO], Any], tags: Tags) -> None:
    """Put tags into a file, in place."""
    file.seek(0)
    said = reader(file)
    said.update({name: [value] for name, value in tags.items()})
    file.seek(0)
    said.save(file, padding=lambda info: 0)


def _numbered(file: io.BytesIO) -> bytes:
    """An OGG file whose stream has the number `STREAM`."""
    from mutagen.ogg import OggPage

    file.seek(0)
    out = io.BytesIO()
    while True:
        try:
            page = OggPage(file)
        except EOFError:
            return out.getvalue()
        page.serial = STREAM
        out.write(page.write())
