package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.memory.FreshMemory;
import io.moetier.storage.memory.AnonymousMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Host memory that a device copies from and to on its own: allocated here, or the program's own and
/// registered.
///
/// What a program does not give back stays allocated for as long as the process, since it may still read it.
public final class PinnedMemory {
    private final TreeMap<Long, Block> blocks = new TreeMap<>();

    /// A piece of it.
    ///
    /// @param arena owns the memory; null if it is the program's own
    /// @param mapped the address under which a device sees it, by the device's ordinal
    public record Block(
            MemorySegment memory,
            @Nullable Arena arena,
            int flags,
            EmulatedContext context,
            Map<Integer, Long> mapped) {
        boolean isRegistered() {
            return arena == null;
        }

        boolean holds(long address, long byteSize) {
            long offset = address - memory.address();
            return offset >= 0 && byteSize <= memory.byteSize() - offset;
        }

        String describe() {
            return (isRegistered() ? "registered" : "pinned") + " memory of " + memory.byteSize() + " bytes";
        }
    }

    /// Allocates memory, which holds ones unless new memory is to hold zeros.
    @SuppressWarnings("MustBeClosedChecker") // closed with the block
    public Block allocate(long byteSize, int flags, EmulatedContext context, FreshMemory fresh) {
        if (byteSize <= 0) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "pinned memory of " + byteSize + " bytes");
        }
        Arena arena = Arena.ofShared();
        MemorySegment memory = AnonymousMemory.allocate(byteSize, arena);
        if (fresh != FreshMemory.ZERO) {
            memory.fill((byte) 0xff);
        }
        return add(new Block(memory, arena, flags, context, new HashMap<>()));
    }

    /// Registers memory of the program's.
    public Block register(MemorySegment memory, int flags, EmulatedContext context) {
        Block before = find(memory.address());
        Map.Entry<Long, Block> after = blocks.ceilingEntry(memory.address());
        boolean overlaps = after != null && after.getKey() < memory.address() + memory.byteSize();
        if (before != null || overlaps) {
            throw DriverError.of(CudaStatus.HOST_MEMORY_ALREADY_REGISTERED, "a part of it is pinned already");
        }
        return add(new Block(memory, null, flags, context, new HashMap<>()));
    }

    /// Returns the block that holds an address.
    @Nullable
    public Block find(long address) {
        Map.Entry<Long, Block> entry = blocks.floorEntry(address);
        return entry != null && entry.getValue().holds(address, 1) ? entry.getValue() : null;
    }

    public boolean isPinned(long address, long byteSize) {
        Block block = find(address);
        return block != null && block.holds(address, byteSize);
    }

    /// Ends a block.
    ///
    /// @throws DriverError `missing` if none of the kind starts there
    public void remove(long address, boolean registered, CudaStatus missing) {
        Block block = blocks.get(address);
        if (block == null || block.isRegistered() != registered) {
            throw DriverError.of(missing, "no such memory starts at 0x" + Long.toHexString(address));
        }
        blocks.remove(address);
        if (block.arena() != null) {
            block.arena().close();
        }
    }

    Collection<Block> all() {
        return blocks.values();
    }

    private Block add(Block block) {
        blocks.put(block.memory().address(), block);
        return block;
    }
}
