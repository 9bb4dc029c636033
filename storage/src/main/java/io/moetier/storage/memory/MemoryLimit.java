package io.moetier.storage.memory;

/// How much memory something lets this process have, and how much of it is taken.
///
/// @param kind what it counts
/// @param what lets it, in words, for example `this machine`
/// @param usedBytes what cannot be had any more; page cache can
public record MemoryLimit(Kind kind, String what, long bytes, long usedBytes) {
    /// What a limit counts, and what happens beyond it.
    public enum Kind {
        /// All memory that there is: beyond it others give way, or the machine swaps or ends somebody.
        MACHINE,
        /// Pages of all processes of a group: beyond it the kernel ends one.
        GROUP,
        /// Private memory that may be written, touched or not: more is refused.
        DATA,
        /// Addresses, whether anything is behind them or not: more are refused.
        ADDRESSES
    }

    /// Returns the same limit with something else taken of it.
    public MemoryLimit withUsed(long bytes) {
        return new MemoryLimit(kind, what, this.bytes, bytes);
    }

    /// Returns how much can still be had.
    public long availableBytes() {
        return Math.max(0, bytes - Math.max(0, usedBytes));
    }

    /// Returns what can still be had, and of what, as words that follow an article.
    public String left() {
        return ByteSize.format(availableBytes()) + " that " + what + " has left of " + ByteSize.format(bytes);
    }
}
