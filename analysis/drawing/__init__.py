"""Drawings of trained networks, after the manner of TensorFlow Playground; nothing is of pyplot."""
