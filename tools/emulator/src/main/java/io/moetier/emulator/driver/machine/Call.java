package io.moetier.emulator.driver.machine;

import static java.lang.foreign.ValueLayout.ADDRESS_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/// The arguments of one call, by their positions. Pointers are the caller's: what it passes must be memory.
public final class Call {
    private final long[] arguments;

    Call(long[] arguments) {
        this.arguments = arguments;
    }

    /// Returns a 32-bit number.
    public int number(int index) {
        return (int) arguments[index];
    }

    /// Returns a size, a handle, or an address.
    public long word(int index) {
        return arguments[index];
    }

    public boolean isNull(int index) {
        return arguments[index] == 0;
    }

    /// Returns memory of the host.
    ///
    /// @throws DriverError `INVALID_VALUE` if the pointer is null
    public MemorySegment memory(int index, long byteSize) {
        if (isNull(index)) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "argument " + index + " is a null pointer");
        }
        return memoryAt(arguments[index], byteSize);
    }

    /// Returns a text that ends with a zero byte.
    public String text(int index) {
        return memory(index, Long.MAX_VALUE).getString(0);
    }

    /// Answers with a 32-bit number through a pointer.
    public void answer(int index, int value) {
        memory(index, Integer.BYTES).set(JAVA_INT_UNALIGNED, 0, value);
    }

    public void answer(int index, float value) {
        memory(index, Float.BYTES).set(JAVA_FLOAT_UNALIGNED, 0, value);
    }

    /// Answers with a size, a handle or an address through a pointer.
    public void answer(int index, long value) {
        memory(index, Long.BYTES).set(JAVA_LONG_UNALIGNED, 0, value);
    }

    public void answer(int index, MemorySegment pointer) {
        memory(index, Long.BYTES).set(ADDRESS_UNALIGNED, 0, pointer);
    }

    /// Answers as the overload does, unless the caller does not want to know.
    public void answerIfWanted(int index, long value) {
        if (!isNull(index)) {
            answer(index, value);
        }
    }

    /// Writes as much of a text as fits, and a zero byte.
    public static void writeText(MemorySegment to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = (int) Math.min(bytes.length, to.byteSize() - 1);
        if (length >= 0) {
            MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 0, length);
            to.set(JAVA_BYTE, length, (byte) 0);
        }
    }

    @SuppressWarnings("restricted") // the caller's memory, as C functions take it
    public static MemorySegment memoryAt(long address, long byteSize) {
        return MemorySegment.ofAddress(address).reinterpret(byteSize);
    }
}
