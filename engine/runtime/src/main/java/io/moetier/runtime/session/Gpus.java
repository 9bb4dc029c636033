package io.moetier.runtime.session;

import io.moetier.kernels.cuda.CudaDevice;
import io.moetier.kernels.cuda.driver.CudaDriver;
import io.moetier.kernels.cuda.driver.CudaLookup;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.DeviceFactory;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// NVIDIA's GPUs that were looked for.
///
/// @param factories one for each; none if one of them cannot be used
/// @param objection what speaks against them, if something does
/// @param isInstalled whether there is a driver nevertheless
public record Gpus(List<DeviceFactory> factories, Optional<String> objection, boolean isInstalled) {
    /// Looks for GPUs by their numbers.
    public static Gpus find(CudaLookup lookup, ActivationType activations, int... numbers) {
        return switch (lookup) {
            case CudaLookup.Absent(String reason, boolean isInstalled) ->
                new Gpus(List.of(), Optional.of(reason), isInstalled);
            case CudaLookup.Found(CudaDriver driver) ->
                IntStream.of(numbers)
                        .mapToObj(number -> CudaDevice.objection(driver, number))
                        .flatMap(Optional::stream)
                        .findFirst()
                        .map(reason -> new Gpus(List.of(), Optional.of(reason), true))
                        .orElseGet(() -> found(driver, activations, numbers));
        };
    }

    private static Gpus found(CudaDriver driver, ActivationType activations, int... numbers) {
        List<DeviceFactory> factories = IntStream.of(numbers)
                .<DeviceFactory>mapToObj(number -> () -> CudaDevice.open(driver, number, activations))
                .toList();
        return new Gpus(factories, Optional.empty(), true);
    }
}
