package io.moetier.kernels.cuda;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.KernelsContract;
import io.moetier.storage.model.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

/// The kernels of a CUDA device, emulated unless there is a real one: smaller shapes, as every lane of it is computed
/// one after another.
///
/// A term of a product goes through the additions of its lane, at most one for every 32nd column and those of a quad,
/// of three shuffles and of eight warps.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CudaContractTest extends KernelsContract {
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void closeDevices() {
        devices.close();
    }

    @Override
    protected Device device() {
        return devices.cuda;
    }

    @Override
    protected int[][] products() {
        return new int[][] {
            {16, 32, 1},
            {33, 96, 2},
            {5, 33, 7},
            {70, 544, 1},
            {24, 12, 2},
            {1, 256, 7},
            {18, 1280, 2},
            {17, 2, 7},
            {20, 224, 2}
        };
    }

    /// The last has several spans of positions.
    @Override
    protected int[][] texts() {
        return new int[][] {{0, 1}, {0, 5}, {250, 20}, {2040, 2}};
    }

    @Override
    protected double roundings(DType dtype, int cols) {
        return cols / 32.0 + 16;
    }
}
