package io.moetier.storage.memory;

import io.moetier.storage.platform.CFunction;
import io.moetier.storage.platform.MemoryAdvice;
import io.moetier.storage.platform.Platform;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Large, page-aligned, zeroed memory whose pages come when they are first touched.
///
/// [Arena#allocate(long)] writes zeros over everything it hands out, which for a slab of many gigabytes takes longer
/// than loading the model. `mmap` leaves the zeros to the kernel, page by page. Where it cannot be called, the arena
/// allocates after all.
///
/// Huge pages are asked for: kernels that stream weights spend much of their time on looking up small ones.
public final class AnonymousMemory {
    /// What all of it is aligned to at least, the smallest page that there is.
    public static final int ALIGNMENT = 4096;

    /// The size from which memory lies in huge pages, and starts on the border of one, where the system has them.
    public static final long HUGE_PAGE_BYTES = 2 << 20;

    private static final int MOST_LOST = 16; // one page in so many, of memory that is discarded
    private static final int PROT_READ_WRITE = 0x1 | 0x2;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000; // Linux, all architectures
    private static final Optional<Calls> CALLS = Calls.find();

    private AnonymousMemory() {}

    /// Returns `byteSize` zero bytes that start on a page and live as long as `arena`, which must be closeable from any
    /// thread that uses them.
    ///
    /// @throws OutOfMemoryError if there is no such memory
    public static MemorySegment allocate(long byteSize, Arena arena) {
        return CALLS.isPresent() && byteSize > 0
                ? CALLS.get().map(byteSize, arena)
                : arena.allocate(byteSize, ALIGNMENT);
    }

    /// Says whether pages can be given back, and whether parts of so many bytes, one behind the other, consist of
    /// whole ones, but for a small rest.
    public static boolean canDiscard(long byteSize) {
        return CALLS.isPresent() && fillsPages(byteSize, CALLS.get().pageBytes());
    }

    static boolean fillsPages(long byteSize, long pageBytes) {
        return byteSize % pageBytes == 0 || byteSize >= MOST_LOST * pageBytes;
    }

    /// Gives the pages of `memory` back to the system, those that lie in it entirely. What was in them is lost;
    /// they are zero, and come again, when they are touched. Their addresses stay.
    ///
    /// @param memory of [#allocate(long, Arena)], or a part of it
    /// @return false if the system refused, as it does for memory that is locked: then all is as it was
    public static boolean discard(MemorySegment memory) {
        return CALLS.isPresent() && CALLS.get().discard(memory);
    }

    /// Returns the pages that lie entirely in `byteSize` bytes at `address`.
    static Pages wholePages(long address, long byteSize, long pageBytes) {
        long start = Math.ceilDiv(address, pageBytes) * pageBytes;
        long end = Math.floorDiv(address + byteSize, pageBytes) * pageBytes;
        return new Pages(start, Math.max(0, end - start));
    }

    /// Pages that lie one behind the other.
    record Pages(long address, long byteSize) {}

    private record Calls(MethodHandle mmap, MethodHandle munmap, long pageBytes) {
        /// Returns nothing on systems whose flags are others than Linux's.
        static Optional<Calls> find() {
            if (!Platform.isLinux()) {
                return Optional.empty();
            }
            Optional<MethodHandle> mmap = CFunction.MMAP.find();
            Optional<MethodHandle> munmap = CFunction.MUNMAP.find();
            Optional<MethodHandle> pageSize = CFunction.GETPAGESIZE.find();
            return mmap.isPresent() && munmap.isPresent() && MemoryAdvice.isHeard() && pageSize.isPresent()
                    ? Optional.of(new Calls(mmap.get(), munmap.get(), pageBytes(pageSize.get())))
                    : Optional.empty();
        }

        /// A page of Linux has 4 KiB, and on some processors 16 or 64.
        private static long pageBytes(MethodHandle pageSize) {
            try {
                return (int) pageSize.invokeExact();
            } catch (Throwable e) {
                throw new IllegalStateException("getpagesize could not be called", e);
            }
        }

        /// Where huge pages fit, maps one more than asked for, to start on the border of one. What is not touched
        /// costs nothing.
        @SuppressWarnings("restricted") // the size is the one that was mapped
        MemorySegment map(long byteSize, Arena arena) {
            boolean huge = byteSize >= HUGE_PAGE_BYTES;
            long mapped = huge ? Math.addExact(byteSize, HUGE_PAGE_BYTES) : byteSize;
            long address;
            try {
                address = (long) mmap.invokeExact(
                        MemorySegment.NULL, mapped, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
            } catch (Throwable e) {
                throw new IllegalStateException("mmap could not be called", e);
            }
            if (address == -1) {
                String left = AvailableMemory.addressSpace()
                        .map(limit ->
                                ": " + limit.what() + " has " + limit.availableBytes() + " left of " + limit.bytes())
                        .orElse("");
                throw new OutOfMemoryError("no address space for " + byteSize + " bytes" + left);
            }
            long start = huge ? Math.ceilDiv(address, HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES : address;
            if (huge) {
                boolean _ = MemoryAdvice.HUGE.give(start, byteSize); // small ones do as well
            }
            return MemorySegment.ofAddress(start).reinterpret(byteSize, arena, memory -> unmap(address, mapped));
        }

        /// The kernel rounds the end up to the next page, which may belong to somebody else.
        boolean discard(MemorySegment memory) {
            Pages pages = wholePages(memory.address(), memory.byteSize(), pageBytes);
            return pages.byteSize() == 0 || MemoryAdvice.NOT_NEEDED.give(pages.address(), pages.byteSize());
        }

        private void unmap(long address, long byteSize) {
            try {
                int result = (int) munmap.invokeExact(address, byteSize);
                if (result != 0) {
                    throw new IllegalStateException("munmap refused " + byteSize + " bytes at " + address);
                }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException("munmap could not be called", e);
            }
        }
    }
}
