"""How the hand learns: from the velocities and timing of songs."""
