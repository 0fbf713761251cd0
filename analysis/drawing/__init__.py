"""Drawings of trained networks in the style of TensorFlow Playground, without pyplot."""
