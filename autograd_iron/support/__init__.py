"""What every floor uses and no array is in: text, files, forks, closed objects."""
