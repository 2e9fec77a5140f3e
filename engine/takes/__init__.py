"""The library of takes, as a folder and as a zip, and how a take is made again."""
