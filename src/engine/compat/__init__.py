"""Fronts for programs that were written against another runtime."""
