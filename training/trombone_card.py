"""The words of the trombone's model card; training/trombone_evaluate.py puts the figures in."""

CARD = """# Trombone

A SampleRNN (three tiers, frames of 64 and 16 samples, GRUs and MLP of width {dim}, μ-law 8 bits at 16 kHz) that
plays a trombone note of a pitch (MIDI 40 to 76), a length (0.2 to 6 s) and a dynamic (pp to ff), and melodies
note by note. `engine/trombone_network.py` is the network, `engine/trombone_sampler.py` the compiled loop that
plays it.

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

Spectral centroid, Hz, pp to ff:

| | pp | p | mf | f | ff |
|---|---|---|---|---|---|
{bright}

{networks}{heat}A note of 2 s was played on one thread at {speed} × real time;
`python -m benchmarks.trombone` has the rest.

![Four generated notes above their recorded neighbours](notes.png)

## What was tried
- Conditions with ten harmonics' phases, a loudness curve every 4 ms and decaying clocks; a harmonic prior that
  the network predicts a residual of; noise and swapped spans in the history. Its own playing as history (DAgger,
  `train --self-play`) is built, but these weights are from before it began.
- The brass's harmonics keep their phase relations from note to note of one pitch and dynamic, so that a table
  of mean complex harmonics is already a fair trombone: it is in the table above as "the harmonic prior alone".
- Sampling at one temperature throughout: warm enough for breath and echo, it hisses over the tone; cold enough
  for the tone, releases fall silent early. It is now cold where the note is loud and rises to 0.9 from 20 to
  30 dB below its top.
- The network is not yet as near to the recordings as the harmonic prior that it is given: what its 8 bits, its
  sampling and its short training add as hiss costs more than its attacks, echoes and noise gain.
- The fall of the learning rate is worth more than steps. Log-mel on validation notes: 6.57 dB at step 3,200; 7.29 at
  4,800 with the rate still high and its own playing as history; 5.72 at 4,800 with the rate fallen; falling again to
  6,000, 5.44; again to 8,000, 5.40 at step 6,400 (shipped) and 5.42 at the end.
- The thesis's conditioning (`train --thesis --teacher`) and linear 8 bits (`train --companding linear`), for 900
  steps each: the first never finds a pitch, the second is in tune and further from the recordings; its round trip
  alone costs three times what μ-law's does, so μ-law is shipped. Trained as long as the shipped one they may gain.

## Limits
The releases carry the room of the recordings. Notes longer than 1.5 s were recorded at f and ff only; softer
ones are extrapolated. Below MIDI 40 (pedals) and above 76 it refuses. There is hiss between the harmonics,
most in soft notes, and the spectral centroid is too high for it. No vibrato, no glissando, no mute.
"""

NETWORKS = """Side by side on the held-out notes, each played freely (NLL in bits a sample is teacher-forced; it says
little about how a network plays, and bits of different quantisations are not comparable). Each network
is a run named after `--baselines`, trained for as many steps as the table says:

| network | steps | NLL | in tune | length | log-mel, dB |
|---|---|---|---|---|---|
{base}

"""
