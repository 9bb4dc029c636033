package io.moetier.kernels.cuda.driver;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/// Loaded PTX.
public final class CudaModule implements AutoCloseable {
    private static final int LOG_BYTES = 4096;

    private long handle;

    private CudaModule(long handle) {
        this.handle = handle;
    }

    static CudaModule load(String ptx) {
        byte[] text = zeroTerminated(ptx); // hundreds of kilobytes, which LWJGL would encode char by char
        ByteBuffer image = MemoryUtil.memAlloc(text.length).put(text).flip();
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer handle = stack.mallocPointer(1);
            ByteBuffer log = stack.calloc(LOG_BYTES);
            IntBuffer options = stack.ints(CU.CU_JIT_ERROR_LOG_BUFFER, CU.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
            PointerBuffer values = stack.pointers(MemoryUtil.memAddress(log), LOG_BYTES);
            int code = CU.cuModuleLoadDataEx(handle, image, options, values);
            if (code != CU.CUDA_SUCCESS) {
                throw Checked.failure(code, "cuModuleLoadDataEx", text(log));
            }
            return new CudaModule(handle.get(0));
        } finally {
            MemoryUtil.memFree(image);
        }
    }

    private static String text(ByteBuffer log) {
        return MemoryUtil.memUTF8(MemoryUtil.memAddress(log)).strip();
    }

    /// Returns a kernel of the module, which goes with it.
    ///
    /// @throws CudaException if there is none of that name
    public CudaFunction function(String name) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer function = stack.mallocPointer(1);
            ByteBuffer text = stack.bytes(zeroTerminated(name));
            int code = CU.cuModuleGetFunction(function, handle(), text);
            if (code != CU.CUDA_SUCCESS) {
                throw Checked.failure(code, "cuModuleGetFunction", name);
            }
            return new CudaFunction(name, function.get(0));
        }
    }

    private static byte[] zeroTerminated(String text) {
        return (text + '\0').getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        if (handle != 0) {
            long last = handle;
            handle = 0;
            Checked.check(CU.cuModuleUnload(last), "cuModuleUnload");
        }
    }

    private long handle() {
        if (handle == 0) {
            throw new IllegalStateException("the module is closed");
        }
        return handle;
    }
}
