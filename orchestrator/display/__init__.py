"""What a person sees of a sweep and of a store."""
