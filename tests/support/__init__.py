"""What tests share: the real plane, builders, fakes, git repositories."""
