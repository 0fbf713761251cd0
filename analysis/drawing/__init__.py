"""The drawing of trained networks, after the manner of TensorFlow Playground."""
