package io.moetier.kernels.cuda.driver;

import org.lwjgl.cuda.CU;

/// A kernel.
public final class CudaFunction {
    private final String name;
    private final long handle;

    CudaFunction(String name, long handle) {
        this.name = name;
        this.handle = handle;
    }

    String name() {
        return name;
    }

    /// Allows launches more dynamic shared memory than the 48 KiB that every device gives.
    void allowDynamicSharedBytes(int bytes) {
        Checked.check(
                CU.cuFuncSetAttribute(handle, CU.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
                "cuFuncSetAttribute");
    }

    /// Returns how many threads a block may have at most.
    int maxThreads() {
        return Checked.number(
                threads -> CU.cuFuncGetAttribute(threads, CU.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, handle),
                "cuFuncGetAttribute");
    }

    /// Gives a stream a launch. Nothing is allocated.
    ///
    /// @param arguments of the number and types that the kernel declares, which nobody checks
    void launch(CudaStream stream, LaunchShape shape, KernelArguments arguments) {
        int code = CU.ncuLaunchKernel(
                handle,
                shape.gridX(),
                shape.gridY(),
                shape.gridZ(),
                shape.blockX(),
                shape.blockY(),
                shape.blockZ(),
                shape.dynamicSharedBytes(),
                stream.handle(),
                arguments.address(),
                0);
        check(code);
    }

    /// Gives a stream a launch of a kernel that takes one struct. Nothing is allocated.
    public void launch(CudaStream stream, int gridX, int gridY, int gridZ, int threads, ParameterBlock parameter) {
        launch(stream, gridX, gridY, gridZ, threads, 0, parameter);
    }

    /// As the other method for one struct, with dynamic shared memory for each block.
    public void launch(
            CudaStream stream,
            int gridX,
            int gridY,
            int gridZ,
            int threads,
            int sharedBytes,
            ParameterBlock parameter) {
        int code = CU.ncuLaunchKernel(
                handle, gridX, gridY, gridZ, threads, 1, 1, sharedBytes, stream.handle(), parameter.address(), 0);
        check(code);
    }

    private void check(int code) {
        if (code != CU.CUDA_SUCCESS) {
            throw Checked.failure(code, "cuLaunchKernel", name);
        }
    }
}
