"""What the pages share: the frame and its menu, long work, the player, a few controls.

Pages import it; the engine never does.
"""
