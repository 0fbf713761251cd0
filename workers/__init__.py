"""Training: data sets, trainers from slow and obvious to fast, and the actor around them."""
