package io.moetier.kernels.cpu;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.KernelsContract;
import io.moetier.storage.model.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/// The processor's kernels, with each arithmetic that is here.
///
/// Plain kernels sum in double, so a result is off by the one rounding at its end. Vector kernels sum in float32; a
/// term goes through the additions of its block of 32 and those of one block to another, about `c / 32 + 34` for `c`
/// columns, each off by 2^-24 of the sum of absolute terms at most. Native kernels have two sums for each row of
/// floats. They sum a block of quantised weights in whole numbers, and go on in float32: one addition for each block,
/// four roundings before it and two in the scale; and what is left of an activation after three digits is 2^-24 of the
/// largest of its block at most, some five times the mean.
@ParameterizedClass
@MethodSource("io.moetier.kernels.cpu.KernelChoice#present")
class CpuContractTest extends KernelsContract {
    private final KernelChoice choice;
    private final CpuDevice device;

    CpuContractTest(KernelChoice choice) {
        this.choice = choice;
        device = CpuDevice.open(2, choice);
    }

    @AfterEach
    void closeDevice() {
        device.close();
    }

    @Override
    protected Device device() {
        return device;
    }

    @Override
    protected double roundings(DType dtype, int cols) {
        return switch (choice) {
            case PLAIN -> 0;
            case NATIVE -> TestWeights.hasIntegerProducts(choice, dtype) ? cols / 32.0 + 16 : cols / 2.0 + 34;
            default -> cols / 32.0 + 34;
        };
    }

    @Override
    protected double[] activations(DType dtype, float[] x) {
        return TestWeights.activations(choice, dtype, x);
    }
}
