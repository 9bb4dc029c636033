package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.kernels.device.KvType;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.remote.ExpertNodesFactory;
import io.moetier.storage.expert.IoMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class EngineConfigTest {
    private static final EngineConfig DEFAULT = EngineConfig.DEFAULT;
    private static final DeviceFactory GPU = () -> {
        throw new AssertionError("a configuration opens nothing");
    };

    private static final ExpertNodesFactory NODES = _ -> {
        throw new AssertionError("a configuration opens nothing");
    };

    @Test
    void byDefaultTheCpuComputesAsWasTrainedInWhatFits() {
        assertEquals(
                new EngineConfig(
                        new Compute(List.of(), 0, KernelChoice.AUTO, Optional.empty(), Optional.empty()),
                        new Memory(0, OptionalLong.empty(), List.of(), 0),
                        new Offloading(PolicyChoice.AUTO, IoMode.AUTO, PrefetchChoice.AUTO, Misses.COPY),
                        new Numerics(KvType.F16, ExpertSelection.TRAINED)),
                DEFAULT);
    }

    @Test
    void moreThreadsThanWouldOnlyWaitForEachOtherAreRefused() {
        int most = PhysicalCores.mostThreads();
        assertEquals(most, DEFAULT.withThreads(most).compute().threads());
        assertThrows(InvalidOptionException.class, () -> DEFAULT.withThreads(most + 1));
    }

    @Test
    void whatIsChangedIsChangedAlone() {
        Path file = Path.of("census");
        Path folder = Path.of("native");
        ExpertSelection one = new ExpertSelection(
                OptionalInt.of(1), OptionalDouble.empty(), OptionalDouble.empty(), Optional.empty());
        EngineConfig changed = DEFAULT.withDevice(GPU, GPU)
                .withThreads(3)
                .withKernels(KernelChoice.PLAIN)
                .withNativeDirectory(folder)
                .withNodes(NODES)
                .withContextLength(7)
                .withRamBytes(11)
                .withVramBytes(13, 17)
                .withReservedBytes(19)
                .withPolicy("static", Optional.of(file))
                .withIo(IoMode.PREAD)
                .withPrefetch(PrefetchChoice.ON)
                .withMisses(Misses.CPU)
                .withKv(KvType.F32)
                .withSelection(one);
        assertEquals(
                new EngineConfig(
                        new Compute(List.of(GPU, GPU), 3, KernelChoice.PLAIN, Optional.of(folder), Optional.of(NODES)),
                        new Memory(7, OptionalLong.of(11), List.of(13L, 17L), 19),
                        new Offloading(
                                new PolicyChoice.Named("static", Optional.of(file)),
                                IoMode.PREAD,
                                PrefetchChoice.ON,
                                Misses.CPU),
                        new Numerics(KvType.F32, one)),
                changed);
        assertNotEquals(DEFAULT, changed);
    }

    @Test
    void whatCannotBeIsNamed() {
        refuses("threads: expected 0 or more, found -1", () -> DEFAULT.withThreads(-1));
        refuses("contextLength: expected 0 or more, found -1", () -> DEFAULT.withContextLength(-1));
        refuses("reservedBytes: expected 0 or more, found -1", () -> DEFAULT.withReservedBytes(-1));
        refuses(
                "vramBytes: expected none without devices that have memory of their own, found [1]",
                () -> DEFAULT.withVramBytes(1));
        refuses(
                "vramBytes: expected one size, or one for each of the 2 devices, found 3",
                () -> DEFAULT.withDevice(GPU, GPU).withVramBytes(1, 2, 3));
        refuses(
                "misses: expected COPY without devices, which miss experts, found AUTO",
                () -> DEFAULT.withMisses(Misses.AUTO));
        refuses(
                "census: expected a routing trace for the policy static, and none for others, found none for static",
                () -> DEFAULT.withPolicy("static", Optional.empty()));
        refuses(
                "policy: expected one of lru, lfu, lfu-decay, lfru, slru, tinylfu, static, gate, or layer: and one of"
                        + " them, found best",
                () -> DEFAULT.withPolicy("best", Optional.empty()));
    }

    private static void refuses(String message, Executable change) {
        assertEquals(message, assertThrows(InvalidOptionException.class, change).getMessage());
    }
}
