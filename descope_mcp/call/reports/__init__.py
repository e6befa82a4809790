"""Reports: reads that are made of several, each of which takes the path of a call."""
