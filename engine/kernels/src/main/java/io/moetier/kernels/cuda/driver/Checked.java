package io.moetier.kernels.cuda.driver;

import java.nio.IntBuffer;
import java.util.function.ToIntFunction;
import org.lwjgl.PointerBuffer;
import org.lwjgl.cuda.CU;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/// The check behind every call.
final class Checked {
    private Checked() {}

    /// Throws unless a call succeeded.
    ///
    /// @param function its name in C, without `_v2`
    static void check(int code, String function) {
        if (code != CU.CUDA_SUCCESS) {
            throw failure(code, function, "");
        }
    }

    /// Returns whether what a call asked about is over.
    ///
    /// @throws CudaException if the call says anything but yes or not yet
    static boolean isReady(int code, String function) {
        if (code == CU.CUDA_ERROR_NOT_READY) {
            return false;
        }
        check(code, function);
        return true;
    }

    /// Returns the number that a call answers with.
    static int number(ToIntFunction<IntBuffer> call, String function) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            IntBuffer answer = stack.mallocInt(1);
            check(call.applyAsInt(answer), function);
            return answer.get(0);
        }
    }

    /// Returns the size, address or handle that a call answers with.
    static long word(ToIntFunction<PointerBuffer> call, String function) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer answer = stack.mallocPointer(1);
            check(call.applyAsInt(answer), function);
            return answer.get(0);
        }
    }

    static CudaException failure(int code, String function, String detail) {
        return new CudaException(function, code, symbol(code), detail);
    }

    /// Returns the name of an error, for example `CUDA_ERROR_OUT_OF_MEMORY`.
    static String symbol(int code) {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer text = stack.callocPointer(1);
            boolean known = CU.cuGetErrorName(code, text) == CU.CUDA_SUCCESS && text.get(0) != MemoryUtil.NULL;
            return known ? MemoryUtil.memASCII(text.get(0)) : "error " + code;
        }
    }
}
