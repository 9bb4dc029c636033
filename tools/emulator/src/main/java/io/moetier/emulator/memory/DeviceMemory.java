package io.moetier.emulator.memory;

import io.moetier.storage.memory.AnonymousMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The memory of one emulated device.
///
/// **Addresses.** They rise from a region that no host address lies in, with a gap behind each allocation, and none is
/// given out twice: whatever uses one after it was freed, or runs over an end, is caught and named.
///
/// **Lifetime.** An allocation's bytes live in this process's memory until it is freed; [#close] frees what is left.
///
/// **Threads.** Not thread-safe; several host threads may use it one after the other, under the driver's lock.
public final class DeviceMemory implements AutoCloseable {
    /// Beyond what a 64-bit processor can address, so that a host that follows such a pointer crashes at once.
    private static final long FIRST_ADDRESS = 1L << 52;

    /// How far the addresses of two devices are apart, so that an address tells the device.
    private static final long DEVICE_STRIDE = 1L << 46;

    private static final int ALIGNMENT = 512;
    private static final long GAP_BYTES = 1 << 16;

    private final long capacityBytes;
    private final FreshMemory fresh;
    private final List<Allocation> allocations = new ArrayList<>(); // by rising address, freed ones too
    private long nextAddress;
    private long usedBytes;
    private long othersBytes; // that somebody else wants
    private long peakBytes;
    private int liveAllocations;
    private @Nullable Allocation last;
    private int launches;

    /// @param capacityBytes what may be allocated at once, each allocation rounded up to 512 bytes
    public DeviceMemory(long capacityBytes, FreshMemory fresh) {
        this(capacityBytes, fresh, 0);
    }

    /// @param capacityBytes as above
    /// @param ordinal of the device: no two devices of a process share an address
    public DeviceMemory(long capacityBytes, FreshMemory fresh, int ordinal) {
        if (capacityBytes < 0) {
            throw new IllegalArgumentException("capacity of " + capacityBytes + " bytes");
        }
        this.capacityBytes = capacityBytes;
        this.fresh = fresh;
        nextAddress = FIRST_ADDRESS + ordinal * DEVICE_STRIDE;
    }

    /// Returns the address of `bytes` new bytes, a multiple of 512.
    ///
    /// @throws DeviceFault `OUT_OF_MEMORY` if they exceed what is free, `INVALID_VALUE` if there are none
    @SuppressWarnings("MustBeClosedChecker") // closed when the allocation is freed
    public long allocate(long bytes) {
        if (bytes <= 0) {
            throw new DeviceFault(FaultKind.INVALID_VALUE, "allocation of " + bytes + " bytes");
        }
        if (bytes > freeBytes()) {
            throw new DeviceFault(
                    FaultKind.OUT_OF_MEMORY,
                    "no memory for " + bytes + " bytes: " + freeBytes() + " of " + capacityBytes + " are free");
        }
        Arena arena = Arena.ofShared();
        MemorySegment memory = AnonymousMemory.allocate(bytes, arena);
        if (fresh == FreshMemory.POISONED) {
            memory.fill((byte) 0xff);
        }
        Allocation allocation =
                new Allocation(nextAddress, memory, arena, fresh == FreshMemory.FAULTS ? new Initialised(bytes) : null);
        usedBytes += rounded(bytes);
        peakBytes = Math.max(peakBytes, usedBytes);
        return add(allocation);
    }

    /// Returns an address under which kernels see `host`, which takes no device memory and is the caller's: it must
    /// live until the address is freed.
    public long map(MemorySegment host) {
        if (!host.isNative() || host.byteSize() == 0) {
            throw new DeviceFault(FaultKind.INVALID_VALUE, "only native memory can be mapped");
        }
        return add(new Allocation(nextAddress, host, null, null));
    }

    /// Ends the allocation that starts at `address`.
    ///
    /// @throws DeviceFault `INVALID_VALUE` if there is none, or none any more
    public void free(long address) {
        Allocation allocation = find(address);
        if (allocation == null || allocation.address() != address || !allocation.live()) {
            boolean twice = allocation != null && allocation.address() == address;
            throw new DeviceFault(
                    FaultKind.INVALID_VALUE,
                    twice ? "freed twice: " + hex(address) : "freed, but never allocated: " + describe(address, 1));
        }
        end(allocation);
    }

    /// Copies host memory to the device.
    ///
    /// @throws DeviceFault `INVALID_VALUE` if the range does not lie in one live allocation
    public void write(long address, MemorySegment source) {
        Allocation to = range(address, source.byteSize());
        long offset = address - to.address();
        MemorySegment.copy(source, 0, to.memory(), offset, source.byteSize());
        to.wroteRange(offset, offset + source.byteSize());
    }

    /// Copies device memory to the host.
    ///
    /// @throws DeviceFault `INVALID_VALUE` if the range does not lie in one live allocation,
    ///     `UNINITIALISED_READ` if reads are checked and a byte of it was never written
    public void read(long address, MemorySegment target) {
        Allocation from = range(address, target.byteSize());
        long offset = address - from.address();
        long end = offset + target.byteSize();
        long missing = from.firstUnwritten(offset, end);
        if (missing < end) {
            throw new DeviceFault(
                    FaultKind.UNINITIALISED_READ,
                    "copy to the host of " + target.byteSize() + " bytes at " + hex(address) + ", whose byte "
                            + (missing - offset) + " was never written");
        }
        MemorySegment.copy(from.memory(), offset, target, 0, target.byteSize());
    }

    /// Copies from device memory to device memory. What was not written there is not written here.
    ///
    /// @throws DeviceFault `INVALID_VALUE` if a range does not lie in one live allocation
    public void copy(long fromAddress, long toAddress, long bytes) {
        Allocation from = range(fromAddress, bytes);
        Allocation to = range(toAddress, bytes);
        long fromOffset = fromAddress - from.address();
        long offset = toAddress - to.address();
        MemorySegment.copy(from.memory(), fromOffset, to.memory(), offset, bytes);
        to.wroteCopy(from, fromOffset, offset, bytes);
    }

    /// Writes `count` units of 1, 2 or 4 bytes, each `value`.
    ///
    /// @throws DeviceFault `INVALID_VALUE` if the address is no multiple of a unit or the range does not lie in one
    ///     live allocation
    public void fill(long address, int value, int unitBytes, long count) {
        if (address % unitBytes != 0) {
            throw new DeviceFault(FaultKind.INVALID_VALUE, hex(address) + " is no multiple of " + unitBytes);
        }
        Allocation to = range(address, Math.multiplyExact(count, unitBytes));
        long offset = address - to.address();
        MemorySegment memory = to.memory().asSlice(offset, count * unitBytes);
        switch (unitBytes) {
            case 1 -> memory.fill((byte) value);
            case 2 -> {
                for (long i = 0; i < count; i++) {
                    memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, i * 2, (short) value);
                }
            }
            case 4 -> {
                for (long i = 0; i < count; i++) {
                    memory.set(ValueLayout.JAVA_INT_UNALIGNED, i * 4, value);
                }
            }
            default -> throw new IllegalArgumentException("units of " + unitBytes + " bytes");
        }
        to.wroteRange(offset, offset + memory.byteSize());
    }

    /// Returns memory that launches use for themselves, at no address and not counted. It goes when nobody knows it any
    /// more.
    public Allocation scratch(long bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(Math.max(1, bytes), 16).asSlice(0, bytes);
        Allocation allocation =
                new Allocation(0, memory, null, fresh == FreshMemory.FAULTS ? new Initialised(bytes) : null);
        renew(allocation);
        return allocation;
    }

    /// Makes scratch memory what it was when it was made.
    public void renew(Allocation scratch) {
        scratch.forget();
        scratch.memory().fill(fresh == FreshMemory.ZERO ? 0 : (byte) 0xff);
    }

    /// Returns the allocation that holds `address`, live or freed, or null.
    public @Nullable Allocation find(long address) {
        Allocation cached = last;
        if (cached != null && address >= cached.address() && address < cached.end()) {
            return cached;
        }
        int index = before(address);
        if (index < 0 || address >= allocations.get(index).end()) {
            return null;
        }
        last = allocations.get(index);
        return last;
    }

    /// Returns the live allocation that holds all of a range.
    ///
    /// @throws DeviceFault `INVALID_VALUE` if there is none
    public Allocation range(long address, long bytes) {
        Allocation allocation = find(address);
        if (allocation == null || !allocation.live() || bytes > allocation.end() - address) {
            throw new DeviceFault(FaultKind.INVALID_VALUE, bytes + " bytes at " + describe(address, bytes));
        }
        return allocation;
    }

    /// Says what is at an address that `bytes` bytes cannot be taken from.
    public String describe(long address, long bytes) {
        int index = before(address);
        if (index < 0) {
            return hex(address) + ", which is no device memory";
        }
        Allocation allocation = allocations.get(index);
        long past = address + bytes - allocation.end();
        String whose = "an allocation of " + allocation.bytes() + " bytes at " + hex(allocation.address());
        if (!allocation.live()) {
            return past <= 0
                    ? hex(address) + ", use after free of " + whose
                    : hex(address) + ", " + past + " bytes past the end of " + whose + ", which was freed";
        }
        return past <= 0
                ? hex(address) + " in " + whose
                : hex(address) + ", " + past + " bytes past the end of " + whose;
    }

    /// Returns a number that no launch before had, for [Allocation#touchRead].
    public int nextLaunch() {
        return ++launches;
    }

    public FreshMemory fresh() {
        return fresh;
    }

    public long capacityBytes() {
        return capacityBytes;
    }

    public long freeBytes() {
        return Math.max(0, capacityBytes - usedBytes - othersBytes);
    }

    /// Has somebody else take so many bytes, or as many as are free, and whatever is freed later until those are all.
    public void leaveToOthers(long bytes) {
        othersBytes = bytes;
    }

    public long usedBytes() {
        return usedBytes;
    }

    /// The most that was in use at once.
    public long peakBytes() {
        return peakBytes;
    }

    /// Counts mapped host memory, too: what is not zero at the end has leaked.
    public int liveAllocations() {
        return liveAllocations;
    }

    @Override
    public void close() {
        for (Allocation allocation : allocations) {
            if (allocation.live()) {
                end(allocation);
            }
        }
    }

    /// Writes an address as messages do.
    public static String hex(long address) {
        return "0x" + Long.toHexString(address);
    }

    private long add(Allocation allocation) {
        allocations.add(allocation);
        liveAllocations++;
        nextAddress += rounded(allocation.bytes()) + GAP_BYTES;
        return allocation.address();
    }

    private void end(Allocation allocation) {
        if (!allocation.ofHost()) {
            usedBytes -= rounded(allocation.bytes());
        }
        liveAllocations--;
        allocation.release();
    }

    /// Returns the index of the last allocation that starts at or before `address`, or -1.
    private int before(long address) {
        int low = 0;
        int high = allocations.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (allocations.get(middle).address() <= address) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high;
    }

    private static long rounded(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }
}
