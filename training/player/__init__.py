"""The player's training: songs into tokens, the transformer, and what it plays under the critic."""
