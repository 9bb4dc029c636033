package io.moetier.kernels.cuda.driver;

import java.nio.ByteBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/// What a device is.
///
/// @param handle the driver's name for it
/// @param name its maker's name for it
/// @param memoryBytes all of its memory, used or not
/// @param computeCapability its generation: 86 is 8.6
/// @param multiprocessors their number
/// @param l2Bytes its second-level cache
/// @param sharedBytesPerBlock what a block may have at most
public record CudaDeviceInfo(
        int handle,
        String name,
        long memoryBytes,
        int computeCapability,
        int multiprocessors,
        int l2Bytes,
        int sharedBytesPerBlock) {
    private static final int NAME_BYTES = 256;

    static CudaDeviceInfo of(int handle) {
        return new CudaDeviceInfo(
                handle,
                name(handle),
                memoryBytes(handle),
                10 * attribute(handle, CU.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                        + attribute(handle, CU.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                attribute(handle, CU.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
                attribute(handle, CU.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
                attribute(handle, CU.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
    }

    private static String name(int handle) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            ByteBuffer text = stack.calloc(NAME_BYTES);
            Checked.check(CU.cuDeviceGetName(text, handle), "cuDeviceGetName");
            return MemoryUtil.memUTF8(MemoryUtil.memAddress(text));
        }
    }

    private static long memoryBytes(int handle) {
        return Checked.word(bytes -> CU.cuDeviceTotalMem(bytes, handle), "cuDeviceTotalMem");
    }

    private static int attribute(int handle, int attribute) {
        return Checked.number(value -> CU.cuDeviceGetAttribute(value, attribute, handle), "cuDeviceGetAttribute");
    }
}
