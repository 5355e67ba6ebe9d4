"""Campaigns as pictures: our own SVG, and Mermaid."""
