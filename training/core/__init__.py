"""What trainings share: data, the loop, options, measures, the words of cards."""
