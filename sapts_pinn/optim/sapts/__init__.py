"""SAPTS."""
