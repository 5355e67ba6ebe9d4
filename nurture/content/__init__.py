"""What leads get to read: a catalogue of files, compiled once for a version, rendered for each lead."""

from nurture.content.catalogue import NAMES, CannotRender, Catalogue, Content

__all__ = ["NAMES", "CannotRender", "Catalogue", "Content"]
