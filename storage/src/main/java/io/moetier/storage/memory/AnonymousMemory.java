package io.moetier.storage.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;

/// Large, page-aligned, zeroed memory whose pages come when they are first touched.
///
/// [Arena#allocate(long)] writes zeros over everything it hands out, which for a slab of many gigabytes takes longer
/// than loading the model. `mmap` leaves the zeros to the kernel, page by page. Where it cannot be called, the arena
/// allocates after all.
public final class AnonymousMemory {
    private static final int PAGE_BYTES = 4096;
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
                : arena.allocate(byteSize, PAGE_BYTES);
    }

    private record Calls(MethodHandle mmap, MethodHandle munmap) {
        /// Returns nothing on systems whose flags are others than Linux's.
        @SuppressWarnings("restricted") // two calls with fixed signatures
        static Optional<Calls> find() {
            if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux")) {
                return Optional.empty();
            }
            Linker linker = Linker.nativeLinker();
            return linker.defaultLookup()
                    .find("mmap")
                    .flatMap(mmap -> linker.defaultLookup()
                            .find("munmap")
                            .map(munmap -> new Calls(
                                    linker.downcallHandle(
                                            mmap,
                                            FunctionDescriptor.of(
                                                    JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                                                    JAVA_LONG)),
                                    linker.downcallHandle(
                                            munmap, FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG)))));
        }

        @SuppressWarnings("restricted") // the size is the one that was mapped
        MemorySegment map(long byteSize, Arena arena) {
            long address;
            try {
                address = (long) mmap.invokeExact(
                        MemorySegment.NULL, byteSize, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
            } catch (Throwable e) {
                throw new IllegalStateException("mmap could not be called", e);
            }
            if (address == -1) {
                throw new OutOfMemoryError("no address space for " + byteSize + " bytes");
            }
            return MemorySegment.ofAddress(address).reinterpret(byteSize, arena, memory -> unmap(memory, byteSize));
        }

        private void unmap(MemorySegment memory, long byteSize) {
            try {
                int result = (int) munmap.invokeExact(memory.address(), byteSize);
                if (result != 0) {
                    throw new IllegalStateException("munmap refused " + memory);
                }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException("munmap could not be called", e);
            }
        }
    }
}
