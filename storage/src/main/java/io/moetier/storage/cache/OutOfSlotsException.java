package io.moetier.storage.cache;

/// More experts must be resident at the same time than the cache has slots.
public final class OutOfSlotsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int wanted;
    private final int free;
    private final int pinned;

    public OutOfSlotsException(int wanted, int free, int pinned) {
        super("out of expert slots: wanted " + wanted + ", free " + free + ", pinned " + pinned);
        this.wanted = wanted;
        this.free = free;
        this.pinned = pinned;
    }

    public int wanted() {
        return wanted;
    }

    public int free() {
        return free;
    }

    public int pinned() {
        return pinned;
    }
}
