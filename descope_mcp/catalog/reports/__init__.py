"""Reads that are made of several: questions that everybody asks, as data."""
