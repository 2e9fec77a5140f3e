"""The words of the trombone's model card; training/trombone/evaluate.py puts the figures in."""

CARD = """# Trombone

A SampleRNN (three tiers, frames of 64 and 16 samples, GRUs and MLP of width {dim}, pre-emphasised μ-law 8 bits at
16 kHz) that plays a trombone note of a pitch (MIDI 40 to 76), a length (0.2 to 6 s) and a dynamic (pp to ff), and
melodies note by note. `engine/trombone/network.py` is the network, `engine/trombone/compiled.py` the compiled loop
that plays it.

## Intended use
Notes and melodies for listening and composing. It is one instrument in one studio, not a general synthesiser,
and not a way to get the recordings back.

## Data and licences
Single notes of the Philharmonia Orchestra (free to use, also commercially; not to be sold or handed on as
samples or as a sampler instrument) and of the University of Iowa's Musical Instrument Samples (free, no
restrictions; they are the long fortissimo notes). 680 notes of MIDI 40-76; notes of changing loudness, with
vibrato or untrackable pitch are left out. Whole cells of pitch × dynamic × length class are held out: 1 in 16
to choose the checkpoint, 1 in 16 for these figures. The recordings are about 11 cents sharp and all of one
level: each note is trained at its measured pitch (and at two random shifts of up to 60 cents), and played at A4
= 440 Hz; loudness by dynamic is added when playing.

## Figures
`{command}` printed all of them ({steps} steps of training, temperature {temperature}).

| notes | within 25 cents | median error, cents | length within 50 ms | clipped | silent |
|---|---|---|---|---|---|
{rows}

Pitch is the median of Praat's autocorrelation tracker; for recordings it is compared with the pitch that
training measured, their label and their own deviation from it. Length is from 30 dB below the loudest 10 ms to
40 dB below.

Log-mel distance (80 bands, 64 ms, from onset, level normalised, floor -60 dB; mean absolute difference in dB)
to the real held-out note of the same pitch, dynamic and length:

| what is compared with it | dB |
|---|---|
{mel}

Brightness, and how far the harmonics stand above what is between them (Praat's harmonicity), medians, pp to ff:

| | pp | p | mf | f | ff |
|---|---|---|---|---|---|
{bright}

{networks}{heat}A note of 2 s was played on one thread at {speed} × real time;
`python -m benchmarks.trombone` has the rest.

![Four generated notes above their recorded neighbours](notes.png)

## What was tried
- Conditions with ten harmonics' phases, a loudness curve every 4 ms and decaying clocks; a harmonic prior that
  the network predicts a residual of; noise and swapped spans in the history. Its own playing as history (DAgger,
  `train --self-play`) is built and not used: see below.
- The brass's harmonics keep their phase relations from note to note of one pitch and dynamic, so that a table
  of mean complex harmonics is already a fair trombone: it is in the table above as "the harmonic prior alone".
- **What is played is the mean.** A draw from 256 levels is a whole level, however cold, and hisses: harmonicity of
  validation notes, pp to ff, 27.9, 27.4, 22.0, 21.4 and 17.3 dB (recorded 28.7, 32.3, 27.0, 25.9, 23.0), log-mel 5.46
  dB, further from the recordings than the harmonic prior that the network is given. The temperature now says how much
  of a draw's distance from the mean is kept, and what is heard is not rounded to levels (what the network reads back
  is). With the same weights at 0.05: 30.0, 31.4, 26.3, 26.8 and 23.1 dB, log-mel 4.75.
- **Breath and echo.** At one temperature throughout, either the tone hisses or releases fall silent early: lengths
  within 50 ms are 74% at 0. It rises to 0.6 from 20 to 30 dB below a note's top.
- **Pre-emphasis.** Eight μ-law bits alone add 10 to 17 dB above 4 kHz to a soft recording, and the network learns to:
  the centroid of its pp notes was 1339 Hz (recorded 834). Each sample less a share of the one before, as in LPCNet:
  0.85 from the start, 8,400 steps, 771 Hz, log-mel 4.38, but rumble below the fundamental (ff: 26 dB below the note,
  recorded 46 dB); 0.65 (shipped), 827 Hz, log-mel 4.21; a high-pass at 0.7 of the fundamental, 4.06. A table of
  cuts by pitch, dynamic and frequency, measured on training notes, with the weights of before: 4.37.
- **More steps.** At 0.85, 4.30 dB at step 8,400 of 9,000; on to 18,000, 4.24 at 9,900 and never better. The fall of the
  learning rate is worth more: without pre-emphasis 7.29 dB at step 4,800 with the rate still high and the network's own
  playing as history, 5.72 with the rate fallen and recordings alone.
- The thesis's conditioning (`train --thesis --teacher --emphasis 0`) and linear 8 bits (`train --companding linear
  --emphasis 0`), for 900 steps each: the first hardly ever finds a pitch, the second is in tune and further from the
  recordings. Trained as long as the shipped one they may gain.

## Limits
The releases carry the room of the recordings. Notes longer than 1.5 s were recorded at f and ff only; softer
ones are extrapolated. Below MIDI 40 (pedals) and above 76 it refuses. From mf to ff a note is a little dull: about
2 dB too little above 2 kHz. No vibrato, no glissando, no mute.
"""

NETWORKS = """Side by side on the held-out notes, each played freely (NLL in bits a sample is teacher-forced; it says
little about how a network plays, and bits of different quantisations are not comparable). Each network
is a run named after `--baselines`, trained for as many steps as the table says:

| network | steps | NLL | in tune | length | log-mel, dB |
|---|---|---|---|---|---|
{base}

"""
