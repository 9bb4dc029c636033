package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/// The opaque pointers that the driver gives out. None points anywhere, and none is given out twice, so
/// that a stale one is found.
public final class Handles {
    private static final long FIRST = 0x6d6f_0000_0000L;
    private static final int STEP = 16;
    private final Map<Long, Object> objects = new LinkedHashMap<>();
    private long next = FIRST;

    public long add(Object object) {
        long handle = next;
        next += STEP;
        objects.put(handle, object);
        return handle;
    }

    /// Returns the object of a handle, null if it is not there or of another kind.
    public <T> @Nullable T find(Class<T> kind, long handle) {
        Object object = objects.get(handle);
        return kind.isInstance(object) ? kind.cast(object) : null;
    }

    /// Returns the object of a handle.
    ///
    /// @throws DriverError `INVALID_HANDLE` if it is none of that kind
    public <T> T get(Class<T> kind, long handle) {
        T object = find(kind, handle);
        if (object == null) {
            throw DriverError.of(
                    CudaStatus.INVALID_HANDLE,
                    "0x" + Long.toHexString(handle) + " is no handle of " + kind.getSimpleName() + " now");
        }
        return object;
    }

    public long of(Object object) {
        return objects.entrySet().stream()
                .filter(entry -> entry.getValue().equals(object))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow(NoSuchElementException::new);
    }

    public void remove(long handle) {
        objects.remove(handle);
    }

    <T> List<T> all(Class<T> kind) {
        List<T> found = new ArrayList<>();
        for (Object object : objects.values()) {
            if (kind.isInstance(object)) {
                found.add(kind.cast(object));
            }
        }
        return found;
    }

    public boolean holds(Object object) {
        return objects.containsValue(object);
    }

    /// Forgets the kernels of a context's modules.
    void removeKernelsOf(EmulatedContext context) {
        objects.values()
                .removeIf(object ->
                        object instanceof DriverKernel kernel && kernel.module().context() == context);
    }

    /// Forgets the kernels of a module.
    public void removeKernelsOf(DriverModule module) {
        objects.values()
                .removeIf(object ->
                        object instanceof DriverKernel kernel && kernel.module().equals(module));
    }
}
