"""What the systems share: requests and results, songs, pitches, sound, files, checkpoints."""
