"""The player: one network that writes bars for any track, given any others.

vocabulary.py says what a token is, grammar.py which may follow and what the network hears beside it, lanes.py turns
notes into tokens and back, network.py is the transformer.
"""
