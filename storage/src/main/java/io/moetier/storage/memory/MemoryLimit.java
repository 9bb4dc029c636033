package io.moetier.storage.memory;

/// How much memory something lets this process have, and how much of it is taken.
///
/// @param what lets it, in words, for example `this machine`
/// @param usedBytes what cannot be had any more; page cache can
public record MemoryLimit(String what, long bytes, long usedBytes) {
    /// Returns how much can still be had.
    public long availableBytes() {
        return Math.max(0, bytes - Math.max(0, usedBytes));
    }

    /// Returns what can still be had, and of what, as words that follow an article.
    public String left() {
        return ByteSize.format(availableBytes()) + " that " + what + " has left of " + ByteSize.format(bytes);
    }
}
