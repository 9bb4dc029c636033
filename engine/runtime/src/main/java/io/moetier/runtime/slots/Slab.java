package io.moetier.runtime.slots;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/// Memory cut into equal slots. It belongs to whoever allocated it.
///
/// Knows which slots are empty: in use, and not written since their memory came, so that its pages are still to come.
/// Whoever is about to write a slot says so, one thread at a time for a slot; any thread may ask how much is empty.
public final class Slab {
    private final long slotBytes;
    private final List<MemorySegment> slots = new ArrayList<>();
    private final AtomicLong emptyBytes = new AtomicLong();
    private boolean[] written = {};

    public Slab(long slotBytes) {
        this.slotBytes = slotBytes;
    }

    /// Adds slots behind those that are there.
    ///
    /// @param memory of `numSlots * slotBytes` bytes
    public void add(MemorySegment memory, int numSlots) {
        for (int i = 0; i < numSlots; i++) {
            slots.add(memory.asSlice(i * slotBytes, slotBytes));
        }
        written = Arrays.copyOf(written, slots.size());
        emptyBytes.addAndGet(numSlots * slotBytes);
    }

    /// Notes that a slot is written from now on.
    public void writes(int slot) {
        if (!written[slot]) {
            written[slot] = true;
            emptyBytes.addAndGet(-slotBytes);
        }
    }

    /// Notes that a slot is out of use.
    void retire(int slot) {
        emptyBytes.addAndGet(-ownEmptyBytes(slot));
    }

    /// Notes that the pages of a slot that is out of use have gone.
    void free(int slot) {
        written[slot] = false;
    }

    /// Notes that a slot is in use again.
    void restore(int slot) {
        emptyBytes.addAndGet(ownEmptyBytes(slot));
    }

    private long ownEmptyBytes(int slot) {
        return written[slot] ? 0 : slotBytes;
    }

    /// Returns the bytes of all slots that are empty.
    public long emptyBytes() {
        return emptyBytes.get();
    }

    /// Puts other memory behind the slots from `first` on.
    ///
    /// @param memory of `numSlots * slotBytes` bytes
    void replace(int first, MemorySegment memory, int numSlots) {
        for (int i = 0; i < numSlots; i++) {
            slots.set(first + i, memory.asSlice(i * slotBytes, slotBytes));
        }
    }

    public long slotBytes() {
        return slotBytes;
    }

    /// Returns the memory of `slot`, the same object as long as its memory is the same.
    public MemorySegment slot(int slot) {
        return slots.get(slot);
    }
}
