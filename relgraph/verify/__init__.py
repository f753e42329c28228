"""The proof that an emitted file is what its spec declares (imports torch)."""
