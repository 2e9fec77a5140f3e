"""*How it was made*: for each system, the plots of its latest result; closed at first, computed only when opened."""
